using ThreeFs.Base;
using ThreeFs.Contracts.Routing;
using ThreeFs.Storage.ChunkEngine;
using ThreeFs.Storage.Targets;
using ThreeFs.Storage.Threading;

namespace ThreeFs.Storage.Recovery;

/// <summary>
/// Brings contents to their end that are pending and that no request drives: after a client gave up, after a chain
/// change, after a restart. At the head by forwarding them again; where this replica's word is the last one, by committing them.
/// Replicas further down wait for their predecessor, which holds the same content as pending.
/// </summary>
internal sealed class PendingResolver(Replica replica)
{
    private readonly ReplicaServices _services = replica.Services;
    /// <summary>Chunks that a request left with a pending content, or that were found so when this replica became the head.</summary>
    private readonly HashSet<ChunkId> _left = [];
    private ChunkState[] _page = new ChunkState[256];
    private Deadline _next;
    private int _running;

    public void CollectPending(HashSet<ChunkId> into)
    {
        into.Clear();
        foreach (ref readonly var state in ListPending()) into.Add(state.Chunk);
    }

    /// <summary>The authority's take-over: every pending content is committed before the target serves.</summary>
    public async ValueTask<StatusCode> CommitAllAsync()
    {
        var chunks = new HashSet<ChunkId>();
        CollectPending(chunks);
        if (chunks.Count > 0) Log.CommitsPending(_services.Log, replica.Target, replica.Place.Chain, chunks.Count);
        foreach (var chunk in chunks)
        {
            await LockAsync(chunk);
            var code = await replica.Updates.CommitPendingAsync(chunk);
            replica.Locks.Release(chunk);
            if (code != StatusCode.Ok) return code;
        }

        return StatusCode.Ok;
    }

    /// <summary>The new read tail's pending contents; a request that drives one of them commits it itself.</summary>
    public async Task CommitInheritedAsync(ChunkId[] chunks)
    {
        Log.CommitsPending(_services.Log, replica.Target, replica.Place.Chain, chunks.Length);
        foreach (var chunk in chunks)
        {
            await LockAsync(chunk);
            if (replica.Place.IsReadTail && replica.IsInherited(chunk))
            {
                await replica.Updates.CommitPendingAsync(chunk);
                replica.Settled(chunk);
            }

            replica.Locks.Release(chunk);
        }
    }

    /// <summary>The chunk's lock is released and something is still pending.</summary>
    public void Left(ChunkId chunk) => _left.Add(chunk);

    /// <summary>This replica became the head: nobody before it drives what is pending any more.</summary>
    public void BecameHead()
    {
        foreach (ref readonly var state in ListPending()) _left.Add(state.Chunk);
    }

    /// <summary>At the head, starts to resolve what was left. Called often; looks in intervals.</summary>
    public void Tick()
    {
        if (_left.Count == 0 || !_next.IsOver(_services.Time)) return;
        _next = Deadline.In(_services.Limits.ResolveInterval, _services.Time);
        if (!replica.Place.IsHead || replica.Standing.Local != LocalTargetState.UpToDate || !replica.HoldsLease) return;
        foreach (var chunk in _left.ToArray())
        {
            if (_running >= _services.Limits.ResolveConcurrency) break;
            if (replica.Locks.IsHeld(chunk)) continue;
            _left.Remove(chunk);
            if (replica.Store.TryGet(chunk, out var state) && state.HasPending) ResolveAsync(chunk).Guard(_services);
        }
    }

    private async Task ResolveAsync(ChunkId chunk)
    {
        _running++;
        if (await replica.Locks.AcquireAsync(chunk))
        {
            var code = await replica.Updates.FinishPendingAsync(chunk, Deadline.In(_services.Limits.ResolveTime, _services.Time));
            replica.Locks.Release(chunk);
            Log.PendingResolved(_services.Log, replica.Target, chunk, code);
            if (code != StatusCode.Ok) _left.Add(chunk);
        }
        else
        {
            _left.Add(chunk);
        }

        _running--;
    }

    private async ValueTask LockAsync(ChunkId chunk)
    {
        while (!await replica.Locks.AcquireAsync(chunk))
            await _services.Executor.DelayAsync(_services.Limits.MaxForwardPause, _services.Time, CancellationToken.None);
    }

    private ReadOnlySpan<ChunkState> ListPending()
    {
        for (;;)
        {
            var count = replica.Store.ListPending(_page);
            if (count < _page.Length) return _page.AsSpan(0, count);
            Array.Resize(ref _page, _page.Length * 2);
        }
    }
}
