using System.Runtime.CompilerServices;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Base.Tasks;
using ThreeFs.Contracts.Storage;
using ThreeFs.Storage.ChunkEngine;
using ThreeFs.Storage.Craq;
using ThreeFs.Storage.Targets;
using ThreeFs.Storage.Threading;

namespace ThreeFs.Storage.Updates;

/// <summary>
/// One attempt to hand a pending content to the successor: to a Serving one the update as it came, with the payload straight from
/// the memory it was received into; to a Syncing one, or when the payload is no longer there, the whole content. Null: the stored content
/// cannot be read and the payload alone is not enough; the damage is reported, nothing was sent.
/// </summary>
internal sealed class Forwarder(Replica replica)
{
    private readonly ReplicaServices _services = replica.Services;

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    public async ValueTask<UpdateResult?> SendAsync(
        ChainPlace place, UpdateRequest request, IoSlices payload, bool hasPayload, Content pending, Deadline deadline, CancellationToken change)
    {
        if (replica.SuccessorNode is not { } node) return Failure(StatusCode.ConnectFailed);
        var left = deadline.Left(_services.Time);
        if (left <= TimeSpan.Zero) return Failure(StatusCode.DeadlineExceeded);
        var timeout = left < _services.Limits.ForwardAttempt ? left : _services.Limits.ForwardAttempt;
        request = request with { Chain = place.Chain, Version = pending.Version };
        var started = _services.Time.GetTimestamp();
        UpdateResult? answer;
        if (pending.IsRemove || hasPayload && !place.SuccessorIsSyncing && request.Kind != UpdateKind.Replace)
        {
            answer = await _services.Peers.UpdateAsync(node, request, payload, timeout, change);
        }
        else
        {
            request = request with
            {
                Kind = UpdateKind.Replace, Offset = 0, Length = pending.Length, Crc = pending.Crc,
                ChunkSize = Math.Max(request.ChunkSize, Math.Max(pending.Length, 1)),
            };
            answer = hasPayload && payload.TotalLength == pending.Length
                ? await _services.Peers.UpdateAsync(node, request, payload, timeout, change)
                : await SendWholeAsync(node, request, timeout, change);
        }

        _services.Observer.Forwarded(answer?.Code ?? StatusCode.Corruption, _services.Time.GetElapsedTime(started));
        return answer;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<UpdateResult?> SendWholeAsync(
        Contracts.Routing.NodeInfo node, UpdateRequest request, TimeSpan timeout, CancellationToken change)
    {
        using var buffer = _services.Buffers.TryRent((int)request.Length, replica.Place.HopsBehind);
        if (buffer is null) return Failure(StatusCode.Overloaded);
        var read = await replica.Store.ReadAsync(request.Chunk, 0, request.Length, buffer.Memory, ReadContent.Newest);
        if (read.Code == StatusCode.IoError) replica.ReportUnreadable(request.Chunk);
        if (read.Code is StatusCode.ChecksumMismatch or StatusCode.IoError) return null;
        if (read.Code != StatusCode.Ok) return Failure(read.Code);
        if (read.Length != request.Length || read.Crc != request.Crc) return Failure(StatusCode.ChecksumMismatch);
        return await _services.Peers.UpdateAsync(node, request, buffer.Memory.Slice(0, (int)request.Length), timeout, change);
    }

    public static UpdateResult Failure(StatusCode code) => new(code, default, default, 0, 0, default);
}
