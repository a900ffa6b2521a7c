using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Contracts.Storage;
using ThreeFs.Transport;

namespace ThreeFs.Client.Storage;

/// <summary>
/// One request, one answer: writes headers on the stack, starts the call, and reads answers without trusting them. No
/// policy.
/// </summary>
internal static class StorageWire
{
    public static ValueTask<CallResult> Read(
        IConnection connection, in ReadOp op, ReadFlags flags, IoSlices destination, TimeSpan timeout,
        CancellationToken ct)
    {
        Span<byte> header = stackalloc byte[StorageCodec.PreambleSize + StorageCodec.ReadOpSize];
        StorageCodec.WriteReadPreamble(header, flags, 1);
        StorageCodec.Write(header[StorageCodec.PreambleSize..], op);
        return connection.CallAsync(new Call
        {
            Method = (ushort)StorageMethod.Read, Header = header, ReceivePayload = destination, Timeout = timeout,
        }, ct);
    }

    public static ValueTask<CallResult> Update(
        IConnection connection, in UpdateRequest request, IoSlices payload, TimeSpan timeout, CancellationToken ct)
    {
        Span<byte> header = stackalloc byte[StorageCodec.UpdateRequestSize];
        StorageCodec.Write(header, request);
        return connection.CallAsync(new Call
        {
            Method = (ushort)StorageMethod.Write, Header = header, SendPayload = payload, Timeout = timeout,
        }, ct);
    }

    public static ValueTask<CallResult> QueryLast(
        IConnection connection, in QueryLastRequest request, TimeSpan timeout, CancellationToken ct)
    {
        Span<byte> header = stackalloc byte[StorageRequestCodec.QueryLastSize];
        StorageRequestCodec.Write(header, request);
        return Send(connection, StorageMethod.QueryLast, header, timeout, ct);
    }

    public static ValueTask<CallResult> RemoveChunks(
        IConnection connection, in RemoveChunksRequest request, TimeSpan timeout, CancellationToken ct)
    {
        Span<byte> header = stackalloc byte[StorageRequestCodec.RemoveChunksSize];
        StorageRequestCodec.Write(header, request);
        return Send(connection, StorageMethod.RemoveChunks, header, timeout, ct);
    }

    public static ValueTask<CallResult> Flush(
        IConnection connection, List<VersionedChain> chains, TimeSpan timeout, CancellationToken ct)
    {
        Span<byte> header = stackalloc byte[StorageRequestCodec.FlushRequestSize(chains.Count)];
        StorageRequestCodec.WriteFlushPreamble(header, chains.Count);
        for (var i = 0; i < chains.Count; i++)
            StorageCodec.Put(header[(StorageCodec.PreambleSize + i * 8)..], chains[i]);
        return Send(connection, StorageMethod.Flush, header, timeout, ct);
    }

    public static ValueTask<CallResult> SpaceInfo(IConnection connection, TimeSpan timeout, CancellationToken ct)
    {
        Span<byte> header = stackalloc byte[StorageCodec.PreambleSize];
        StorageCodec.WritePreamble(header, 0, 0);
        return Send(connection, StorageMethod.SpaceInfo, header, timeout, ct);
    }

    public static ValueTask<CallResult> CreateTarget(
        IConnection connection, in CreateTargetRequest request, TimeSpan timeout, CancellationToken ct)
    {
        Span<byte> header = stackalloc byte[StorageRequestCodec.CreateTargetSize];
        StorageRequestCodec.Write(header, request);
        return Send(connection, StorageMethod.CreateTarget, header, timeout, ct);
    }

    public static ValueTask<CallResult> ListTargets(
        IConnection connection, in ListTargetsRequest request, TimeSpan timeout, CancellationToken ct)
    {
        Span<byte> header = stackalloc byte[StorageRequestCodec.ListTargetsSize];
        StorageRequestCodec.Write(header, request);
        return Send(connection, StorageMethod.ListTargets, header, timeout, ct);
    }

    public static ValueTask<CallResult> StepDown(
        IConnection connection, in StepDownRequest request, TimeSpan timeout, CancellationToken ct)
    {
        Span<byte> header = stackalloc byte[StorageRequestCodec.StepDownSize];
        StorageRequestCodec.Write(header, request);
        return Send(connection, StorageMethod.StepDown, header, timeout, ct);
    }

    public static ValueTask<CallResult> DestroyTarget(
        IConnection connection, in DestroyTargetRequest request, TimeSpan timeout, CancellationToken ct)
    {
        Span<byte> header = stackalloc byte[StorageRequestCodec.DestroyTargetSize];
        StorageRequestCodec.Write(header, request);
        return Send(connection, StorageMethod.DestroyTarget, header, timeout, ct);
    }

    public static ValueTask<CallResult> QueryChunk(
        IConnection connection, in QueryChunkRequest request, TimeSpan timeout, CancellationToken ct)
    {
        Span<byte> header = stackalloc byte[StorageRequestCodec.QueryChunkSize];
        StorageRequestCodec.Write(header, request);
        return Send(connection, StorageMethod.QueryChunk, header, timeout, ct);
    }

    public static ValueTask<CallResult> ListChunks(
        IConnection connection, in ListChunksRequest request, IoSlices destination, TimeSpan timeout,
        CancellationToken ct)
    {
        Span<byte> header = stackalloc byte[StorageRequestCodec.ListChunksSize];
        StorageRequestCodec.Write(header, request);
        return connection.CallAsync(new Call
        {
            Method = (ushort)StorageMethod.ListChunks, Header = header, ReceivePayload = destination, Timeout = timeout,
        }, ct);
    }

    /// <summary>
    /// The outcome of one piece of a read. Its bytes are only good when this says so: within the piece, received, and
    /// with the checksum the replica stored.
    /// </summary>
    /// <param name="index">Position of the piece in the request.</param>
    /// <param name="payloadOffset">Where its bytes begin in the response's payload.</param>
    /// <param name="wanted">Bytes asked for.</param>
    public static ReadResult ReadAnswer(in CallResult answer, int index, long payloadOffset, uint wanted,
        IoSlices destination)
    {
        if (!answer.IsOk) return Failed(Code(answer.Status));
        var at = index * StorageCodec.ReadResultSize;
        if (answer.Header.Length < at + StorageCodec.ReadResultSize) return Failed(StatusCode.ProtocolError);
        var result = StorageCodec.ReadReadResult(answer.Header[at..]);
        if (result.Code != StatusCode.Ok) return result with { Code = Code(result.Code), Length = 0 };
        if (result.Length > wanted || result.Length > answer.PayloadLength - payloadOffset && result.Length != 0)
            return Failed(StatusCode.ProtocolError);
        return Checksum(destination, result.Length) == result.Crc ? result : Failed(StatusCode.ChecksumMismatch);
    }

    /// <summary>The chunk as the head answered it, or the failure.</summary>
    public static UpdateResult UpdateAnswer(in CallResult answer)
    {
        if (answer.Header.Length >= StorageCodec.UpdateResultSize)
        {
            var result = StorageCodec.ReadUpdateResult(answer.Header);
            return answer.IsOk || result.Code != StatusCode.Ok
                ? result with { Code = Code(result.Code) }
                : Failure(Code(answer.Status));
        }

        return Failure(answer.IsOk ? StatusCode.ProtocolError : Code(answer.Status));
    }

    /// <summary>
    /// A server that answers "cancelled" dropped the request because its time was over there; that the caller gave up
    /// is known from the caller's token alone.
    /// </summary>
    public static StatusCode Code(Status status) =>
        status.Code == StatusCode.Cancelled ? StatusCode.DeadlineExceeded : status.Code;

    public static ReadResult Failed(StatusCode code) => new(code, 0, 0, 0, default, default);

    public static UpdateResult Failure(StatusCode code) => new(code, default, default, 0, 0, default);

    /// <summary>CRC-32C of the first bytes of a payload, over all its pieces.</summary>
    public static uint Checksum(IoSlices payload, long length)
    {
        var crc = 0u;
        for (var i = 0; length > 0; i++)
        {
            var piece = payload[i].Span;
            if (piece.Length > length) piece = piece[..(int)length];
            crc = Crc32C.Append(crc, piece);
            length -= piece.Length;
        }

        return crc;
    }

    private static ValueTask<CallResult> Send(
        IConnection connection, StorageMethod method, ReadOnlySpan<byte> header, TimeSpan timeout,
        CancellationToken ct) =>
        connection.CallAsync(new Call { Method = (ushort)method, Header = header, Timeout = timeout }, ct);
}
