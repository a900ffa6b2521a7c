using System.Buffers.Binary;
using ThreeFs.Base;

namespace ThreeFs.Transport;

/// <summary>
/// How a server reached over TCP can be reached better: a method of the transport itself, beside those of the service. The
/// answer's header is the port where RDMA is set up (2 bytes, little-endian; 0: none). Servers that do not know the method
/// answer <see cref="StatusCode.NotImplemented"/>, which says the same.
/// </summary>
internal sealed class TransportOffers(IServerHandler service, int rdmaPort) : IServerHandler
{
    /// <summary>Reserved: no service has it.</summary>
    public const ushort Method = 0xffff;

    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(1);

    /// <summary>The port, or 0.</summary>
    public static async ValueTask<int> AskRdmaPortAsync(IConnection connection, CancellationToken ct)
    {
        using var answer = await connection.CallAsync(new Call { Method = Method, Timeout = _patience }, ct);
        return answer.IsOk && answer.Header.Length >= 2 ? BinaryPrimitives.ReadUInt16LittleEndian(answer.Header) : 0;
    }

    /// <summary>The same question, only to see that messages pass both ways.</summary>
    public static async ValueTask<Status> ProveAsync(IConnection connection, CancellationToken ct)
    {
        using var answer = await connection.CallAsync(new Call { Method = Method, Timeout = _patience }, ct);
        return answer.Status;
    }

    public Status Accept(ServerRequest request) => service.Accept(request);

    public ValueTask<Reply> HandleAsync(ServerRequest request)
    {
        if (request.Method != Method) return service.HandleAsync(request);
        BinaryPrimitives.WriteUInt16LittleEndian(request.ResponseHeader(2), (ushort)rdmaPort);
        return new ValueTask<Reply>(new Reply { HeaderLength = 2 });
    }

    public void ConnectionOpened(ServerConnection connection) => service.ConnectionOpened(connection);

    public void ConnectionClosed(ServerConnection connection, Status reason) => service.ConnectionClosed(connection, reason);
}
