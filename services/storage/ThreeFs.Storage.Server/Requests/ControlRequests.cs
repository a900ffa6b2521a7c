using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Contracts.Storage;
using ThreeFs.Storage.ChunkEngine;
using ThreeFs.Storage.Targets;
using ThreeFs.Storage.Threading;
using ThreeFs.Storage.Updates;
using ThreeFs.Transport;

namespace ThreeFs.Storage.Server.Requests;

/// <summary>Everything but reads and updates: ends of files, removals, listings, flushes, resync, space, new targets.</summary>
internal sealed class ControlRequests(ReplicaSet replicas, BufferPool buffers, TimeProvider time, INodeControl node)
{
    /// <summary>Answers are written where the request came in; everything before may happen elsewhere.</summary>
    public ValueTask<Outcome> HandleAsync(ServerRequest request, StorageMethod method) => method switch
    {
        StorageMethod.QueryLast => QueryLastAsync(request),
        StorageMethod.RemoveChunks => RemoveChunksAsync(request),
        StorageMethod.ListChunks => ListChunksAsync(request),
        StorageMethod.QueryChunk => QueryChunkAsync(request),
        StorageMethod.SyncDone => SyncDoneAsync(request),
        StorageMethod.Flush => FlushAsync(request),
        StorageMethod.SpaceInfo => new ValueTask<Outcome>(SpaceInfo(request)),
        StorageMethod.CreateTarget => CreateTargetAsync(request),
        StorageMethod.ListTargets => ListTargetsAsync(request),
        StorageMethod.StepDown => StepDownAsync(request),
        StorageMethod.DestroyTarget => DestroyTargetAsync(request),
        _ => new ValueTask<Outcome>(Outcome.Failed(new Status(StatusCode.NotImplemented, $"method {(ushort)method:x4} is not known here"))),
    };

    private async ValueTask<Outcome> QueryLastAsync(ServerRequest request)
    {
        var code = StorageRequestCodec.Read(request.Header, out QueryLastRequest query);
        if (code != StatusCode.Ok) return Outcome.Failed(code);
        if (replicas.Find(query.Chain.Id) is not { } replica) return Outcome.Failed(UpdateRequests.NotHere(query.Chain));
        var home = Homing.From(replica.Services.Executor);
        await replica.Services.Executor.Enter();
        var result = replica.QueryLast(query);
        await home.ReturnAsync();
        StorageCodec.Write(request.ResponseHeader(StorageCodec.LastChunkSize), result);
        return new Outcome(new Reply { HeaderLength = StorageCodec.LastChunkSize }, result.Code);
    }

    private async ValueTask<Outcome> RemoveChunksAsync(ServerRequest request)
    {
        var code = StorageRequestCodec.Read(request.Header, out RemoveChunksRequest remove);
        if (code != StatusCode.Ok) return Outcome.Failed(code);
        if (replicas.Find(remove.Chain.Id) is not { } replica) return Outcome.Failed(UpdateRequests.NotHere(remove.Chain));
        var deadline = Deadline.In(request.TimeLeft, time);
        var home = Homing.From(replica.Services.Executor);
        await replica.Services.Executor.Enter();
        var result = await RangeRemoval.RunAsync(replica, remove, deadline);
        await home.ReturnAsync();
        StorageRequestCodec.Write(request.ResponseHeader(StorageRequestCodec.RemoveChunksResultSize), result);
        return new Outcome(new Reply { HeaderLength = StorageRequestCodec.RemoveChunksResultSize }, result.Code);
    }

    private async ValueTask<Outcome> ListChunksAsync(ServerRequest request)
    {
        var code = StorageRequestCodec.Read(request.Header, out ListChunksRequest list);
        if (code != StatusCode.Ok) return Outcome.Failed(code);
        if (replicas.Find(list.Target) is not { } replica) return Outcome.Failed(NotHere(list.Target));
        var limit = (int)Math.Min(list.Limit, (uint)(request.ReceiveCapacity / StorageCodec.ChunkMetaSize));
        if (limit == 0) return Outcome.Failed(new Status(StatusCode.InvalidArgument, "the caller has no room for a chunk"));
        if (buffers.TryRent(limit * StorageCodec.ChunkMetaSize) is not { } buffer) return Outcome.Failed(StatusCode.Overloaded);
        var home = Homing.From(replica.Services.Executor);
        await replica.Services.Executor.Enter();
        var page = new ChunkState[limit];
        code = list.Resync == default ? StatusCode.Ok : replica.GateResync(list.Resync);
        var count = code == StatusCode.Ok ? replica.ListChunks(list.After, page) : 0;
        for (var i = 0; i < count; i++)
            StorageCodec.Write(buffer.Memory.Span[(i * StorageCodec.ChunkMetaSize)..], page[i].ToMeta());
        await home.ReturnAsync();
        if (code != StatusCode.Ok)
        {
            buffer.Dispose();
            return Outcome.Failed(code);
        }

        StorageCodec.WritePreamble(request.ResponseHeader(StorageCodec.PreambleSize), count < limit ? (byte)1 : (byte)0, (ushort)count);
        var payload = buffer.Memory.Slice(0, count * StorageCodec.ChunkMetaSize);
        return new Outcome(
            new Reply { HeaderLength = StorageCodec.PreambleSize, Payload = payload, PayloadOwner = buffer }, StatusCode.Ok);
    }

    private async ValueTask<Outcome> QueryChunkAsync(ServerRequest request)
    {
        var code = StorageRequestCodec.Read(request.Header, out QueryChunkRequest query);
        if (code != StatusCode.Ok) return Outcome.Failed(code);
        if (replicas.Find(query.Target) is not { } replica) return Outcome.Failed(NotHere(query.Target));
        var home = Homing.From(replica.Services.Executor);
        await replica.Services.Executor.Enter();
        var isThere = replica.Store.TryGet(query.Chunk, out var state);
        await home.ReturnAsync();
        if (!isThere) return Outcome.Failed(StatusCode.ChunkNotFound);
        StorageCodec.Write(request.ResponseHeader(StorageCodec.ChunkMetaSize), state.ToMeta());
        return new Outcome(new Reply { HeaderLength = StorageCodec.ChunkMetaSize }, StatusCode.Ok);
    }

    private async ValueTask<Outcome> SyncDoneAsync(ServerRequest request)
    {
        var code = ReplicaCodec.Read(request.Header, out SyncDoneRequest done);
        if (code != StatusCode.Ok) return Outcome.Failed(code);
        if (!TryReadChannels(request, done, out var channels)) return Outcome.Failed(StatusCode.ChecksumMismatch);
        if (replicas.Find(done.Target) is not { } replica || replica.Chain != done.Chain.Id) return Outcome.Failed(NotHere(done.Target));
        var home = Homing.From(replica.Services.Executor);
        await replica.Services.Executor.Enter();
        var result = await replica.SyncDoneAsync(done.Chain, channels);
        await home.ReturnAsync();
        return UpdateRequests.Answer(request, result);
    }

    private static bool TryReadChannels(ServerRequest request, in SyncDoneRequest done, out ChannelUpdate[] channels)
    {
        channels = [];
        if (request.PayloadLength != done.ChannelCount * (long)ChannelUpdate.Size) return false;
        if (done.ChannelCount == 0) return true;
        var bytes = request.Payload[0].Span[..request.PayloadLength];
        if (Crc32C.Compute(bytes) != done.Crc) return false;
        channels = new ChannelUpdate[done.ChannelCount];
        for (var i = 0; i < channels.Length; i++) channels[i] = ChannelUpdate.ReadFrom(bytes[(i * ChannelUpdate.Size)..]);
        return true;
    }

    private async ValueTask<Outcome> FlushAsync(ServerRequest request)
    {
        var code = StorageRequestCodec.ReadFlushPreamble(request.Header, out var count);
        if (code != StatusCode.Ok) return Outcome.Failed(code);
        var flushing = new Task<FlushResult>[count];
        for (var i = 0; i < count; i++)
        {
            var chain = StorageCodec.GetChain(request.Header[(StorageCodec.PreambleSize + i * 8)..]);
            flushing[i] = FlushOneAsync(chain);
        }

        var worst = StatusCode.Ok;
        var results = new FlushResult[count];
        for (var i = 0; i < count; i++)
        {
            results[i] = await flushing[i];
            if (results[i].Code != StatusCode.Ok) worst = results[i].Code;
        }

        var length = count * StorageRequestCodec.FlushResultSize;
        var header = request.ResponseHeader(length);
        for (var i = 0; i < count; i++) StorageRequestCodec.Write(header[(i * StorageRequestCodec.FlushResultSize)..], results[i]);
        return new Outcome(new Reply { HeaderLength = length }, worst);
    }

    private async Task<FlushResult> FlushOneAsync(VersionedChain chain)
    {
        if (replicas.Find(chain.Id) is not { } replica) return new FlushResult(StatusCode.TargetNotFound, default);
        var home = Homing.From(replica.Services.Executor);
        await replica.Services.Executor.Enter();
        var result = await replica.FlushAsync(chain);
        await home.ReturnAsync();
        return result;
    }

    private Outcome SpaceInfo(ServerRequest request)
    {
        var disks = node.GetSpace();
        var length = StorageCodec.PreambleSize + disks.Count * StorageRequestCodec.DiskSpaceSize;
        var header = request.ResponseHeader(length);
        StorageCodec.WritePreamble(header, 0, (ushort)disks.Count);
        for (var i = 0; i < disks.Count; i++)
            StorageRequestCodec.Write(header[(StorageCodec.PreambleSize + i * StorageRequestCodec.DiskSpaceSize)..], disks[i]);
        return new Outcome(new Reply { HeaderLength = length }, StatusCode.Ok);
    }

    private async ValueTask<Outcome> CreateTargetAsync(ServerRequest request)
    {
        var code = StorageRequestCodec.Read(request.Header, out CreateTargetRequest create);
        if (code != StatusCode.Ok) return Outcome.Failed(code);
        return Outcome.Failed(await node.CreateTargetAsync(create));
    }

    private async ValueTask<Outcome> DestroyTargetAsync(ServerRequest request)
    {
        var code = StorageRequestCodec.Read(request.Header, out DestroyTargetRequest destroy);
        if (code != StatusCode.Ok) return Outcome.Failed(code);
        return Outcome.Failed(await node.DestroyTargetAsync(destroy));
    }

    private async ValueTask<Outcome> StepDownAsync(ServerRequest request)
    {
        var code = StorageRequestCodec.Read(request.Header, out StepDownRequest step);
        if (code != StatusCode.Ok) return Outcome.Failed(code);
        if (replicas.Find(step.Target) is not { } replica || replica.Chain != step.Chain.Id) return Outcome.Failed(NotHere(step.Target));
        var home = Homing.From(replica.Services.Executor);
        await replica.Services.Executor.Enter();
        var status = replica.StepDown(step.Chain);
        await home.ReturnAsync();
        return Outcome.Failed(status);
    }

    private async ValueTask<Outcome> ListTargetsAsync(ServerRequest request)
    {
        var code = StorageRequestCodec.Read(request.Header, out ListTargetsRequest list);
        if (code != StatusCode.Ok) return Outcome.Failed(code);
        var behind = replicas.All.Where(r => r.Target.CompareTo(list.After) > 0).OrderBy(r => r.Target).ToArray();
        var page = new TargetReport[Math.Min(behind.Length, StorageRequestCodec.MaxListedTargets)];
        for (var i = 0; i < page.Length; i++)
        {
            var home = Homing.From(behind[i].Services.Executor);
            await behind[i].Services.Executor.Enter();
            page[i] = ReportOf(behind[i]);
            await home.ReturnAsync();
        }

        var length = StorageCodec.PreambleSize + page.Length * StorageRequestCodec.TargetReportSize;
        var header = request.ResponseHeader(length);
        StorageCodec.WritePreamble(header, page.Length == behind.Length ? (byte)1 : (byte)0, (ushort)page.Length);
        for (var i = 0; i < page.Length; i++)
            StorageRequestCodec.Write(header[(StorageCodec.PreambleSize + i * StorageRequestCodec.TargetReportSize)..], page[i]);
        return new Outcome(new Reply { HeaderLength = length }, StatusCode.Ok);
    }

    private static TargetReport ReportOf(Replica replica) => new(
        replica.Target, replica.Chain, replica.DiskIndex, replica.Store.ChunkCount, replica.UsedBytes,
        replica.Resync.Report(replica.Store.ChunkCount, replica.Services.Time));

    private static Status NotHere(TargetId target) => new(StatusCode.TargetNotFound, $"this node does not hold target {target}");
}
