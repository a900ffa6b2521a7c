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
/// Replaces a damaged or unreadable chunk with the content of another replica, whichever has it whole: one that serves, or else one that does
/// not, such as a successor that only returns. Only the very same version, length and checksum is taken, under the chunk's lock, so a
/// repair never changes what the chunk says. A chunk with a pending update is not repaired.
/// </summary>
/// <remarks>
/// What cannot be repaired now is tried again every <see cref="StorageLimits.RepairPause"/>, and not sooner however often it is met: two
/// replicas that are both damaged meet each other's damage with every attempt. An update that needs the damaged bytes does not wait for that.
/// </remarks>
internal sealed class Repairer(Replica replica)
{
    private readonly ReplicaServices _services = replica.Services;
    private readonly HashSet<ChunkId> _damaged = [];
    private readonly HashSet<ChunkId> _underWay = [];
    private readonly Dictionary<ChunkId, Deadline> _failed = [];
    private int _damagedCount;

    public bool IsDamaged(ChunkId chunk) => _damaged.Contains(chunk);

    /// <summary>Damaged chunks that are not repaired yet; any thread may look.</summary>
    public int DamagedCount => Volatile.Read(ref _damagedCount);

    /// <summary>The chunk's stored bytes are damaged or unreadable. Called inside the engine: the repair begins later.</summary>
    public void Report(ChunkId chunk)
    {
        Remember(chunk);
        if (MayTry(chunk)) Begin(chunk);
    }

    /// <summary>One of the chunks that could not be repaired has its next attempt when it is time to. Called often; cheap.</summary>
    public void Tick()
    {
        if (_failed.Count == 0 || !replica.Place.IsServing || replica.Standing.Local != LocalTargetState.UpToDate) return;
        foreach (var chunk in _failed.Keys)
        {
            if (!MayTry(chunk)) continue;
            Begin(chunk);
            return;
        }
    }

    private bool MayTry(ChunkId chunk) =>
        !_underWay.Contains(chunk) && (!_failed.TryGetValue(chunk, out var pause) || pause.IsOver(_services.Time));

    private void Begin(ChunkId chunk)
    {
        _underWay.Add(chunk);
        _services.Executor.Post(_ => RepairAsync(chunk).Guard(_services), null);
    }

    /// <summary>All of the chunk was read: what could not be repaired has been overwritten since.</summary>
    public void FoundWhole(ChunkId chunk)
    {
        if (IsDamaged(chunk)) Forget(chunk);
    }

    /// <summary>Nobody repairs chunks that are gone.</summary>
    public void ForgetRemoved()
    {
        foreach (var chunk in _damaged.Where(c => !replica.Store.TryGet(c, out _)).ToArray()) Forget(chunk);
    }

    private async Task RepairAsync(ChunkId chunk)
    {
        if (await replica.Locks.AcquireAsync(chunk))
        {
            if (IsDamaged(chunk)) await RepairLockedAsync(chunk);
            replica.Locks.Release(chunk);
        }
        else
        {
            TryLater(chunk);
        }

        _underWay.Remove(chunk);
    }

    /// <summary>As <see cref="RepairLockedAsync"/>, but not before the chunk may be tried again.</summary>
    public ValueTask<bool> TryRepairLockedAsync(ChunkId chunk) =>
        _failed.TryGetValue(chunk, out var pause) && !pause.IsOver(_services.Time)
            ? new ValueTask<bool>(false)
            : RepairLockedAsync(chunk);

    /// <summary>The caller holds the chunk's lock.</summary>
    public async ValueTask<bool> RepairLockedAsync(ChunkId chunk)
    {
        var content = replica.Store.Chunk(chunk).Committed;
        if (!content.Exists)
        {
            Forget(chunk);
            return true;
        }

        var code = await ReplaceAsync(chunk, content);
        if (code == StatusCode.Ok)
        {
            Forget(chunk);
            replica.Resyncer.Updated();
        }
        else
        {
            TryLater(chunk);
        }

        Log.Repaired(_services.Log, replica.Target, chunk, code);
        _services.Observer.Repaired(code == StatusCode.Ok);
        return code == StatusCode.Ok;
    }

    private void Remember(ChunkId chunk)
    {
        _damaged.Add(chunk);
        Volatile.Write(ref _damagedCount, _damaged.Count);
    }

    private void TryLater(ChunkId chunk)
    {
        Remember(chunk);
        _failed[chunk] = Deadline.In(_services.Limits.RepairPause, _services.Time);
    }

    private void Forget(ChunkId chunk)
    {
        _damaged.Remove(chunk);
        _failed.Remove(chunk);
        Volatile.Write(ref _damagedCount, _damaged.Count);
    }

    private async ValueTask<StatusCode> ReplaceAsync(ChunkId chunk, Content content)
    {
        if (replica.Store.Chunk(chunk).HasPending) return StatusCode.UpdateInProgress;
        using var buffer = _services.Buffers.TryRent((int)content.Length, hopsBehind: 1);
        if (buffer is null) return StatusCode.Overloaded;
        var memory = buffer.Memory.Slice(0, (int)content.Length);

        // All of them: some may be dead, and mgmtd not know it yet. Each has its share of the time, so that a dead one leaves some.
        var deadline = Deadline.In(_services.Limits.RepairTime, _services.Time);
        var (serving, others) = (replica.ServingPeers, replica.OtherPeers);
        var count = serving.Length + others.Length;
        var code = StatusCode.NoServingTarget;
        for (var i = 0; i < count && code != StatusCode.Ok; i++)
        {
            if (replica.IsStopped) return StatusCode.Cancelled;
            var (peer, flags) = i < serving.Length ? (serving[i], ReadFlags.None) : (others[i - serving.Length], ReadFlags.OfAnyState);
            code = await FetchAsync(chunk, content, peer, flags, memory, deadline.Left(_services.Time) / (count - i));
        }

        if (code != StatusCode.Ok) return code;
        return replica.IsStopped ? StatusCode.Cancelled : await PutAsync(chunk, content, memory);
    }

    private async ValueTask<StatusCode> FetchAsync(
        ChunkId chunk, Content content, NodeInfo node, ReadFlags flags, IoSlices memory, TimeSpan timeout)
    {
        if (timeout <= TimeSpan.Zero) return StatusCode.DeadlineExceeded;
        var op = new ReadOp(replica.Place.Chain, chunk, 0, content.Length);
        var read = await _services.Peers.ReadAsync(node, op, flags, memory, timeout);
        if (read.Code != StatusCode.Ok) return read.Code;
        var isSame = read.Commit.Value == content.Version.Value && read.Length == content.Length && read.Crc == content.Crc;
        return isSame ? StatusCode.Ok : StatusCode.ChunkNotCommitted;
    }

    private async ValueTask<StatusCode> PutAsync(ChunkId chunk, Content content, IoSlices memory)
    {
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
