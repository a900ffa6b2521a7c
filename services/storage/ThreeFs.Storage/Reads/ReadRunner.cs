using System.Runtime.CompilerServices;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Base.Tasks;
using ThreeFs.Contracts.Storage;
using ThreeFs.Storage.ChunkEngine;
using ThreeFs.Storage.Craq;
using ThreeFs.Storage.Targets;
using ThreeFs.Storage.Threading;

namespace ThreeFs.Storage.Reads;

/// <summary>
/// Serves a read as <see cref="ReadRules"/> say. Without an update in flight the engine reads straight into the caller's memory and
/// nothing else happens. Bytes that do not have their checksum are never handed out: the reader is told to ask another
/// replica, and the chunk is repaired.
/// </summary>
internal sealed class ReadRunner(Replica replica)
{
    /// <summary>A chunk that changes under the reader this often is written without a pause: the reader tries again later.</summary>
    private const int MaxRounds = 8;

    private readonly ReplicaServices _services = replica.Services;

    /// <summary>Reads that wait for the device.</summary>
    public int InFlight { get; private set; }

    public ValueTask<ReadResult> RunAsync(ReadOp op, ReadFlags flags, IoSlices destination, Deadline deadline)
    {
        if ((flags & ReadFlags.OfAnyState) != 0 && !replica.IsStopped) return FromStoreAsync(op, destination, ReadContent.Committed);
        var code = Gate(op);
        if (code != StatusCode.Ok) return new ValueTask<ReadResult>(Refuse(code, op));
        if (!replica.Store.TryGet(op.Chunk, out var state) || !state.HasPending)
            return FromStoreAsync(op, destination, ReadContent.Committed);
        return DecideAsync(op, flags, destination, deadline);
    }

    /// <summary>
    /// Where the bytes of a read lie, when nothing but reading them is left to do; null: <see cref="RunAsync"/> does, or says why not.
    /// </summary>
    public ContentHold? TryLocate(in ReadOp op, out ReadResult result)
    {
        result = default;
        if (Gate(op) != StatusCode.Ok || !replica.Store.TryGet(op.Chunk, out var state) || state.HasPending) return null;
        return replica.Store.TryHold(op.Chunk, op.Offset, op.Length, out result);
    }

    /// <summary>
    /// Where a part of a chunk lies, for a reader who keeps that; without a part (length 0) only whether this replica may be read.
    /// </summary>
    /// <param name="checksums">Filled as far as the answer's place says.</param>
    /// <param name="valid">
    /// With Ok: from now on this replica may be read for so long, as far as it is not made known by revoking places.
    /// </param>
    /// <returns>Ok; Busy when the bytes have to be read in the ordinary way; else what a read would be refused with.</returns>
    public StatusCode TryGetPlace(in ReadOp op, Span<uint> checksums, out ContentPlace place, out TimeSpan valid)
    {
        place = default;
        valid = _services.Lease.Left; // first: it may end meanwhile
        var code = Gate(op);
        if (code != StatusCode.Ok) return Refuse(code, op).Code;
        if (op.Length == 0) return StatusCode.Ok;
        return replica.Store.TryGetPlace(op.Chunk, op.Offset, checksums, out place) ? StatusCode.Ok : StatusCode.Busy;
    }

    private StatusCode Gate(in ReadOp op) => replica.IsStopped || !replica.HoldsLease
        ? StatusCode.TargetNotServing
        : ReadRules.Gate(replica.Place, replica.Standing.Local, op.Chain);

    private ReadResult Refuse(StatusCode code, in ReadOp op)
    {
        if (op.Chain.Version > replica.Place.Chain.Version) _services.Routing.RequestRefresh();
        return Failure(code);
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<ReadResult> DecideAsync(ReadOp op, ReadFlags flags, IoSlices destination, Deadline deadline)
    {
        for (var round = 0; round < MaxRounds; round++)
        {
            var chunk = replica.Store.Chunk(op.Chunk);
            var step = ReadRules.Decide(replica.Place, chunk, flags, replica.IsInherited(op.Chunk));
            if (step == ReadStep.AskTail)
            {
                var tail = await AskTailAsync(op, deadline);
                var gate = Gate(op);
                if (gate != StatusCode.Ok) return Refuse(gate, op);
                if (tail.Code != StatusCode.Ok)
                {
                    // Waiting for the local commit would be waiting for the same tail.
                    if (replica.Store.Chunk(op.Chunk).HasPending) return Failure(StatusCode.ChunkNotCommitted);
                    continue;
                }

                step = ReadRules.AfterTail(chunk, replica.Store.Chunk(op.Chunk), tail.Commit);
            }

            switch (step)
            {
                case ReadStep.Committed: return await FromStoreAsync(op, destination, ReadContent.Committed);
                case ReadStep.Newest: return await FromStoreAsync(op, destination, ReadContent.Newest);
                case ReadStep.Gone: return Failure(StatusCode.ChunkNotFound);
                case ReadStep.Wait: return await WaitAsync(op, destination, deadline);
            }
        }

        return Failure(StatusCode.ChunkNotCommitted);
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<UpdateResult> AskTailAsync(ReadOp op, Deadline deadline)
    {
        if (replica.TailNode is not { } node) return new UpdateResult(StatusCode.ConnectFailed, default, default, 0, 0, default);
        var left = deadline.Left(_services.Time);
        var timeout = left < _services.Limits.AskTail ? left : _services.Limits.AskTail;
        if (timeout <= TimeSpan.Zero) return new UpdateResult(StatusCode.DeadlineExceeded, default, default, 0, 0, default);
        var answer = await _services.Peers.QueryCommittedAsync(node, new QueryCommittedRequest(replica.Place.Chain, op.Chunk), timeout);
        _services.Observer.AskedTail(answer.Code);
        if (answer.ChainVersion > replica.Place.Chain.Version) _services.Routing.RequestRefresh();
        return answer;
    }

    /// <summary>In line behind the update in flight; when it is over and left nothing pending, the chunk is what is committed.</summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<ReadResult> WaitAsync(ReadOp op, IoSlices destination, Deadline deadline)
    {
        if (!replica.Locks.IsHeld(op.Chunk)) return Failure(StatusCode.ChunkNotCommitted);
        if (!await replica.Locks.AcquireAsync(op.Chunk)) return Failure(StatusCode.Overloaded);
        ValueTask<ReadResult> reading;
        try
        {
            var code = deadline.IsOver(_services.Time) ? StatusCode.DeadlineExceeded : Gate(op);
            if (code != StatusCode.Ok) return Refuse(code, op);
            if (replica.Store.Chunk(op.Chunk).HasPending) return Failure(StatusCode.ChunkNotCommitted);

            // The engine takes the content of this moment; the next update may begin while it is being read.
            reading = FromStoreAsync(op, destination, ReadContent.Committed);
        }
        finally
        {
            replica.Locks.Release(op.Chunk);
        }

        return await reading;
    }

    private ValueTask<ReadResult> FromStoreAsync(in ReadOp op, IoSlices destination, ReadContent content)
    {
        var reading = replica.Store.ReadAsync(op.Chunk, op.Offset, op.Length, destination, content);
        return reading.IsCompletedSuccessfully ? new ValueTask<ReadResult>(Checked(reading.Result, op.Chunk)) : CheckAsync(reading, op.Chunk);
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<ReadResult> CheckAsync(ValueTask<ReadResult> reading, ChunkId chunk)
    {
        InFlight++;
        var result = await reading;
        InFlight--;
        return Checked(result, chunk);
    }

    private ReadResult Checked(in ReadResult result, ChunkId chunk)
    {
        if (result.Code == StatusCode.IoError) replica.ReportUnreadable(chunk);
        return result;
    }

    private static ReadResult Failure(StatusCode code) => new(code, 0, 0, 0, default, default);
}
