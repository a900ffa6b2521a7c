using System.Collections.Concurrent;
using ThreeFs.Base;
using ThreeFs.Contracts.Meta;

namespace ThreeFs.Client.Files;

/// <summary>
/// Chains that hold acknowledged bytes of a file which may not be on stable storage. A chain is marked after a write on
/// it was acknowledged, and its mark is taken before a flush begins, so a write beside a flush stays marked. A file
/// that existed before this client opened it may have such bytes on any chain: every one is marked at first.
/// </summary>
internal sealed class DirtyChains(Placement placement, ConcurrentDictionary<ChainId, bool> ofClient, bool all)
{
    private readonly Lock _lock = new();
    private readonly HashSet<ChainId> _chains = all ? [.. placement.Chains] : [];

    public bool IsEmpty
    {
        get
        {
            lock (_lock) return _chains.Count == 0;
        }
    }

    public void Mark(ChainId chain)
    {
        lock (_lock)
        {
            _chains.Add(chain);
        }

        // Of each set by itself: one may have been flushed and the other not. When the mark is there, a flush that takes it
        // begins after the write was acknowledged.
        if (!ofClient.ContainsKey(chain)) ofClient.TryAdd(chain, true);
    }

    public void MarkAll()
    {
        foreach (var chain in placement.Chains) Mark(chain);
    }

    public ChainId[] Take()
    {
        lock (_lock)
        {
            var taken = _chains.ToArray();
            _chains.Clear();
            return taken;
        }
    }

    public void PutBack(ChainId[] chains)
    {
        foreach (var chain in chains) Mark(chain);
    }
}
