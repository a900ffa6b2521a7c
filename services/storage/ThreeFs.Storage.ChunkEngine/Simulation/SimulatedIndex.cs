using ThreeFs.Base;
using ThreeFs.Storage.ChunkEngine.Index;

namespace ThreeFs.Storage.ChunkEngine.Simulation;

/// <summary>
/// An index in memory that keeps the contract of <see cref="IChunkIndex"/> and not more: when the machine dies, the batches since
/// the last synced one are cut off at any place.
/// </summary>
public sealed class SimulatedIndex(SimulatedWork work) : IChunkIndex
{
    private readonly SortedDictionary<byte[], byte[]> _entries = new(Comparer<byte[]>.Create((a, b) => a.AsSpan().SequenceCompareTo(b)));
    private readonly List<byte[]> _batches = [];
    private int _synced;

    public StatusCode FailWrites { get; set; }

    public StatusCode FailSyncs { get; set; }

    public int Count => _entries.Count;

    /// <summary>Batches written so far.</summary>
    public int Batches => _batches.Count;

    public StatusCode Write(IndexBatch batch)
    {
        if (FailWrites != StatusCode.Ok) return FailWrites;
        var bytes = batch.Bytes.ToArray();
        _batches.Add(bytes);
        Apply(bytes);
        return StatusCode.Ok;
    }

    public ValueTask<StatusCode> SyncAsync()
    {
        if (FailSyncs != StatusCode.Ok) return ValueTask.FromResult(FailSyncs);
        var covered = _batches.Count;
        return work.RunAsync(() =>
        {
            _synced = Math.Max(_synced, covered);
            return StatusCode.Ok;
        });
    }

    public Status Scan(ReadOnlySpan<byte> prefix, IndexVisitor visit)
    {
        foreach (var (key, value) in _entries.ToArray())
        {
            if (!key.AsSpan().StartsWith(prefix)) continue;
            if (!visit(key, value)) break;
        }

        return Status.Ok;
    }

    /// <summary>What the next process finds.</summary>
    public SimulatedIndex Crash(SeededRandom random, SimulatedWork next, bool losesPower)
    {
        var kept = losesPower ? random.Next(_synced, _batches.Count + 1) : _batches.Count;
        var index = new SimulatedIndex(next) { _synced = losesPower ? kept : _synced };
        for (var i = 0; i < kept; i++)
        {
            index._batches.Add(_batches[i]);
            index.Apply(_batches[i]);
        }

        return index;
    }

    /// <summary>All entries as hexadecimal text, for comparison with golden files.</summary>
    public IEnumerable<string> Dump() => _entries.Select(e => $"{Convert.ToHexString(e.Key)} {Convert.ToHexString(e.Value)}");

    public ValueTask DisposeAsync() => default;

    private void Apply(byte[] bytes) => IndexBatch.Visit(bytes, (key, value, isDelete) =>
    {
        if (isDelete) _entries.Remove(key.ToArray());
        else _entries[key.ToArray()] = value.ToArray();
    });
}
