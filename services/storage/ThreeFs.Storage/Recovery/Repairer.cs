using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Contracts.Routing;
using ThreeFs.Contracts.Storage;
using ThreeFs.Storage.ChunkEngine;
using ThreeFs.Storage.Craq;
using ThreeFs.Storage.Targets;
using ThreeFs.Storage.Threading;
using ThreeFs.Storage.Updates;

namespace ThreeFs.Storage.Recovery;

/// <summary>
/// Replaces a damaged or unreadable chunk with the content of a neighbour. Only the very same version, length and checksum is taken, under the
/// chunk's lock, so a repair never changes what the chunk says. What cannot be repaired now is tried again when it is met again.
/// </summary>
internal sealed class Repairer(Replica replica)
{
    private readonly ReplicaServices _services = replica.Services;
    private readonly HashSet<ChunkId> _damaged = [];
    private readonly HashSet<ChunkId> _underWay = [];
    private int _damagedCount;

    public bool IsDamaged(ChunkId chunk) => _damaged.Contains(chunk);

    /// <summary>Damaged chunks that are not repaired yet; any thread may look.</summary>
    public int DamagedCount => Volatile.Read(ref _damagedCount);

    /// <summary>The chunk's stored bytes are damaged or unreadable. Called inside the engine: the repair begins later.</summary>
    public void Report(ChunkId chunk)
    {
        _damaged.Add(chunk);
        Volatile.Write(ref _damagedCount, _damaged.Count);
        if (_underWay.Add(chunk)) _services.Executor.Post(_ => _ = RepairAsync(chunk), null);
    }

    private async Task RepairAsync(ChunkId chunk)
    {
        if (await replica.Locks.AcquireAsync(chunk))
        {
            if (IsDamaged(chunk)) await RepairLockedAsync(chunk);
            replica.Locks.Release(chunk);
        }

        _underWay.Remove(chunk);
    }

    /// <summary>The caller holds the chunk's lock.</summary>
    public async ValueTask<bool> RepairLockedAsync(ChunkId chunk)
    {
        var content = replica.Store.Chunk(chunk).Committed;
        if (!content.Exists)
        {
            Forget(chunk);
            return true;
        }

        var code = await FetchAsync(chunk, content, replica.Place.SuccessorIsSyncing ? null : replica.SuccessorNode);
        if (code != StatusCode.Ok) code = await FetchAsync(chunk, content, replica.PredecessorNode);
        if (code == StatusCode.Ok) Forget(chunk);
        Log.Repaired(_services.Log, replica.Target, chunk, code);
        _services.Observer.Repaired(code == StatusCode.Ok);
        return code == StatusCode.Ok;
    }

    private void Forget(ChunkId chunk)
    {
        _damaged.Remove(chunk);
        Volatile.Write(ref _damagedCount, _damaged.Count);
    }

    private async ValueTask<StatusCode> FetchAsync(ChunkId chunk, Content content, NodeInfo? node)
    {
        if (node is null) return StatusCode.NoServingTarget;
        using var buffer = _services.Buffers.TryRent((int)content.Length, hopsBehind: 1);
        if (buffer is null) return StatusCode.Overloaded;
        var memory = buffer.Memory.Slice(0, (int)content.Length);
        var op = new ReadOp(replica.Place.Chain, chunk, 0, content.Length);
        var read = await _services.Peers.ReadAsync(node, op, memory, _services.Limits.RepairTime);
        if (read.Code != StatusCode.Ok) return read.Code;
        if (read.Commit.Value != content.Version.Value || read.Length != content.Length || read.Crc != content.Crc)
            return StatusCode.ChunkNotCommitted;
        return await PutAsync(chunk, content, memory);
    }

    private async ValueTask<StatusCode> PutAsync(ChunkId chunk, Content content, IoSlices memory)
    {
        if (replica.Store.Chunk(chunk).HasPending) return StatusCode.UpdateInProgress;
        if (!replica.Store.TryGet(chunk, out var state)) return StatusCode.ChunkNotFound;
        var update = new ChunkUpdate(
            chunk, UpdateKind.Replace, 0, content.Length, Math.Max(content.Length, 1), content.Crc, content.Tag, content.Version,
            state.Committed.ChainVersion);
        var prepared = await replica.Store.PrepareAsync(update, memory);
        if (prepared.Code != StatusCode.Ok) return prepared.Code;
        var committed = await replica.Store.CommitAsync(chunk, content.Version, state.Committed.ChainVersion);
        return committed.Code;
    }
}
