using System.Runtime.CompilerServices;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Base.Tasks;
using ThreeFs.Contracts.Storage;
using ThreeFs.Io;
using ThreeFs.Storage.ChunkEngine;
using ThreeFs.Storage.Targets;
using ThreeFs.Storage.Threading;
using ThreeFs.Transport;

namespace ThreeFs.Storage.Server.Requests;

/// <summary>
/// Batch reads. Every op reads into its own page-aligned part of one buffer, all at the same time, and the parts are the payload of
/// the answer. An op that fails spoils only itself. A client of this host that reads much at once is told where the bytes are and
/// reads them by itself (<see cref="ContentLocation"/>): then no buffer is taken here.
/// </summary>
internal sealed class ReadRequests(ReplicaSet replicas, BufferPool buffers, TimeProvider time)
{
    private const int MaxBytes = 64 << 20;

    private readonly BoundedPool<ReadBatch> _batches = new(1024);

    public ValueTask<Outcome> HandleAsync(ServerRequest request)
    {
        var code = StorageCodec.ReadReadPreamble(request.Header, out var flags, out var count);
        if (code != StatusCode.Ok) return new ValueTask<Outcome>(Outcome.Failed(code));
        return count == 1 ? OneAsync(request, flags) : ManyAsync(request, flags & ~ReadFlags.MayLocate, count);
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<Outcome> OneAsync(ServerRequest request, ReadFlags flags)
    {
        var op = StorageCodec.ReadReadOp(request.Header[StorageCodec.PreambleSize..]);
        if (op.Length > MaxBytes || op.Length > request.ReceiveCapacity) return Outcome.Failed(TooMuch(op.Length));
        if (replicas.Find(op.Chain.Id) is not { } replica) return Outcome.Failed(UpdateRequests.NotHere(op.Chain));
        var deadline = Deadline.In(request.TimeLeft, time);
        var homing = Homing.From(replica.Services.Executor);
        if ((flags & ReadFlags.MayLocate) != 0 && request.Connection.IsOfThisHost && op.Length >= ContentLocation.MinLength)
        {
            await replica.Services.Executor.Enter();
            var hold = replica.TryLocate(op, out var located);
            await homing.ReturnAsync();
            if (hold is not null && TryTell(request, replica, hold, located)) return new Outcome(LocationReply(hold), StatusCode.Ok);
        }

        flags &= ~ReadFlags.MayLocate;
        if (buffers.TryRent((int)op.Length) is not { } buffer) return Outcome.Failed(StatusCode.Overloaded);
        await replica.Services.Executor.Enter();
        var result = await replica.ReadAsync(op, flags, buffer.Memory, deadline);
        await homing.ReturnAsync();
        Metrics.BytesRead.Inc(result.Length);
        StorageCodec.Write(request.ResponseHeader(StorageCodec.ReadResultSize), result);
        if (result.Code == StatusCode.Ok && result.Length > 0)
        {
            return new Outcome(
                new Reply { HeaderLength = StorageCodec.ReadResultSize, Payload = buffer.Memory.Slice(0, (int)result.Length), PayloadOwner = buffer },
                result.Code);
        }

        buffer.Dispose();
        return new Outcome(new Reply { HeaderLength = StorageCodec.ReadResultSize }, result.Code);
    }

    /// <summary>Writes the answer that tells where the bytes are; false, and nothing is held, when the client has too many.</summary>
    private static bool TryTell(ServerRequest request, Replica replica, ContentHold hold, in ReadResult result)
    {
        var holds = (ClientHolds?)request.Connection.State;
        if (holds is null && !request.Connection.IsClosed && Reactor.Current is { } reactor)
            request.Connection.State = holds = new ClientHolds(reactor);
        var id = holds is null || request.Connection.IsClosed ? 0 : holds.Add(hold, replica.Services.Executor);
        if (id == 0)
        {
            ClientHolds.ReleaseOn(replica.Services.Executor, hold);
            return false;
        }

        var location = new ContentLocation
        {
            Hold = id, Offset = hold.Offset, Device = hold.File.Device, Inode = hold.File.Inode, Path = hold.File.Path.Span,
        };
        location.Write(request.ResponseHeader(ContentLocation.SizeOf(location.Path.Length)), result);
        Metrics.BytesLocated.Inc(result.Length);
        return true;
    }

    private static Reply LocationReply(ContentHold hold) => new() { HeaderLength = ContentLocation.SizeOf(hold.File.Path.Length) };

    /// <summary>The client has read what it was told the place of.</summary>
    public static Outcome Release(ServerRequest request)
    {
        var code = ContentLocation.ReadRelease(request.Header, out var hold);
        if (code != StatusCode.Ok) return Outcome.Failed(code);
        ((ClientHolds?)request.Connection.State)?.Release(hold);
        return new Outcome(StatusCode.Ok, StatusCode.Ok);
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<Outcome> ManyAsync(ServerRequest request, ReadFlags flags, int count)
    {
        var batch = _batches.TryTake() ?? new ReadBatch(_batches);
        if (!batch.TryLayOut(request.Header[StorageCodec.PreambleSize..], count, Math.Min(MaxBytes, request.ReceiveCapacity), out var size))
        {
            batch.Dispose();
            return Outcome.Failed(TooMuch(size));
        }

        if (buffers.TryRent((int)size) is not { } buffer)
        {
            batch.Dispose();
            return Outcome.Failed(StatusCode.Overloaded);
        }

        batch.Buffer = buffer;
        var deadline = Deadline.In(request.TimeLeft, time);
        for (var i = 0; i < count; i++) batch.Reading[i] = StartAsync(batch, i, flags, deadline);
        var worst = StatusCode.Ok;
        for (var i = 0; i < count; i++)
        {
            batch.Results[i] = await batch.Reading[i];
            if (batch.Results[i].Code != StatusCode.Ok) worst = batch.Results[i].Code;
            Metrics.BytesRead.Inc(batch.Results[i].Length);
        }

        var length = count * StorageCodec.ReadResultSize;
        batch.WriteResults(request.ResponseHeader(length), count);
        return new Outcome(new Reply { HeaderLength = length, Payload = batch.Payload(count), PayloadOwner = batch }, worst);
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<ReadResult> StartAsync(ReadBatch batch, int index, ReadFlags flags, Deadline deadline)
    {
        var op = batch.Ops[index];
        if (replicas.Find(op.Chain.Id) is not { } replica) return new ReadResult(StatusCode.TargetNotFound, 0, 0, 0, default, default);
        var homing = Homing.From(replica.Services.Executor);
        await replica.Services.Executor.Enter();
        var result = await replica.ReadAsync(op, flags, batch.Destination(index), deadline);
        await homing.ReturnAsync();
        return result;
    }

    private static Status TooMuch(long bytes) => new(StatusCode.InvalidArgument, $"a read of {bytes} bytes is more than {MaxBytes}, or than its caller can take");
}
