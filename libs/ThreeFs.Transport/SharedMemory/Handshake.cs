using System.Buffers.Binary;
using System.Text;
using ThreeFs.Base;
using ThreeFs.Io.SharedMemory;
using ThreeFs.Io.Sockets;

namespace ThreeFs.Transport.SharedMemory;

/// <summary>
/// How two processes of one host come to share memory. The client connects to the Unix socket that belongs to the
/// server's address, both look at who the other is (the kernel says), and each sends one message with its ring's and
/// its arena's memory. Little-endian:
/// <code>
/// 0 magic "3FSM"   4 version of <see cref="SharedLink"/>   8 kind: 1 offer, 2 refusal   12 bytes of a ring   16 a
/// refusal's text
/// </code>
/// After that the socket only carries wake-ups, and its end is the connection's.
/// </summary>
internal static class Handshake
{
    private const uint Magic = 0x4D534633;
    private const uint Offer = 1;
    private const uint Refusal = 2;
    private const int Size = 16;

    /// <summary>
    /// The socket of a server's address, in the network namespace that the address belongs to.
    /// </summary>
    public static string SocketName(Endpoint endpoint)
    {
        var host = endpoint.Host == "localhost" ? "127.0.0.1" : endpoint.Host;
        if (System.Net.IPAddress.TryParse(host, out var address)) host = address.ToString();
        return $"threefs/{host}:{endpoint.Port}";
    }

    /// <summary>
    /// Memory is shared with processes of the own user, and of root, who can read it anyway. A root process serves
    /// itself of any server: it believes whoever has the address's port as well.
    /// </summary>
    public static bool MayShare(uint peer, bool isServer)
    {
        var own = UnixSocket.OwnUser;
        return peer == own || peer == 0 || (own == 0 && isServer);
    }

    public static int SendOffer(UnixSocket socket, MemoryFile outbox, SharedArena arena)
    {
        Span<byte> message = stackalloc byte[Size];
        Write(message, Offer);
        return socket.Send(message, [outbox.Handle, arena.Handle]);
    }

    public static void SendRefusal(UnixSocket socket, string why)
    {
        Span<byte> message = stackalloc byte[UnixSocket.MaxMessage];
        Write(message, Refusal);
        var length = Encoding.UTF8.GetBytes(why.AsSpan(0, Math.Min(why.Length, 150)), message[Size..]);
        socket.Send(message[..(Size + length)], []);
    }

    private static void Write(Span<byte> message, uint kind)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(message, Magic);
        BinaryPrimitives.WriteUInt32LittleEndian(message[4..], SharedLink.Version);
        BinaryPrimitives.WriteUInt32LittleEndian(message[8..], kind);
        BinaryPrimitives.WriteUInt32LittleEndian(message[12..], SharedLink.RingBytes);
    }

    /// <summary>
    /// Takes the peer's message and maps its memory beside <paramref name="outbox"/>. Fails with what is wrong, or
    /// with the peer's own words.
    /// </summary>
    public static Result<SharedLink> TakeOffer(UnixSocket socket, MemoryFile outbox)
    {
        var message = socket.Message;
        if (message.Length < Size || BinaryPrimitives.ReadUInt32LittleEndian(message) != Magic)
            return new Status(StatusCode.ProtocolError, "the peer does not speak this protocol");
        var version = BinaryPrimitives.ReadUInt32LittleEndian(message[4..]);
        if (version != SharedLink.Version)
            return new Status(StatusCode.UnknownFormatVersion, $"the peer shares memory in version {version}, this build in {SharedLink.Version}");
        if (BinaryPrimitives.ReadUInt32LittleEndian(message[8..]) != Offer)
            return new Status(StatusCode.AccessDenied, Encoding.UTF8.GetString(message[Size..]));
        var ring = MemoryFile.Adopt(socket.TakeFile(0));
        if (!ring.TryGet(out var peerRing)) return ring.Status;
        using (peerRing)
        {
            var arena = MemoryFile.Adopt(socket.TakeFile(1));
            if (!arena.TryGet(out var peerArena)) return arena.Status;
            using (peerArena) return SharedLink.Map(outbox, peerRing, peerArena);
        }
    }
}
