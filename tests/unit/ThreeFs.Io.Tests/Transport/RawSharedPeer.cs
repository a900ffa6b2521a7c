using System.Buffers.Binary;
using ThreeFs.Base;
using ThreeFs.Io.SharedMemory;
using ThreeFs.Io.Sockets;
using ThreeFs.Transport;
using ThreeFs.Transport.Frames;
using ThreeFs.Transport.SharedMemory;

namespace ThreeFs.Io.Tests.Transport;

/// <summary>
/// An end of shared memory that writes whatever a test wants, at the offsets that the format has. Everything on its reactor's
/// thread.
/// </summary>
internal sealed class RawSharedPeer : IDisposable
{
    public const int Tail = 0;
    public const int Head = 128;
    public const int Closed = 640;
    public const int PageSize = 4096;

    private readonly UnixSocket _socket;
    private readonly MemoryFile _memory;
    private readonly SharedArena _arena;
    private readonly nint _page;
    private readonly nint _ring;
    private readonly nint _peerPage;
    private readonly nint _peerRing;

    public long ArenaLength => _arena.Length;

    /// <summary>As a client of a real server.</summary>
    public static async ValueTask<RawSharedPeer> ConnectAsync(Reactor reactor, Endpoint endpoint)
    {
        var socket = UnixSocket.Connect(reactor, Handshake.SocketName(endpoint)).Value;
        var memory = SharedLink.CreateOutbox().Value;
        var arena = SharedArena.Create("raw", 1 << 20).Value;
        Assert.Equal(0, Handshake.SendOffer(socket, memory, arena));
        Assert.True(await socket.ReceiveAsync() > 0);
        return new RawSharedPeer(socket, memory, arena);
    }

    /// <summary>As a server of a real client, which has connected.</summary>
    public static async ValueTask<RawSharedPeer> AcceptAsync(Reactor reactor, SocketListener listener)
    {
        var socket = UnixSocket.Adopt(reactor, await listener.AcceptAsync());
        Assert.True(await socket.ReceiveAsync() > 0);
        var memory = SharedLink.CreateOutbox().Value;
        var arena = SharedArena.Create("raw", 1 << 20).Value;
        Assert.Equal(0, Handshake.SendOffer(socket, memory, arena));
        return new RawSharedPeer(socket, memory, arena);
    }

    private RawSharedPeer(UnixSocket socket, MemoryFile memory, SharedArena arena)
    {
        _socket = socket;
        _memory = memory;
        _arena = arena;
        var peer = MemoryFile.Adopt(socket.TakeFile(0)).Value;
        _page = _memory.Map(0, PageSize, writable: true).Value;
        _ring = _memory.MapTwice(PageSize, SharedLink.RingBytes, writable: true).Value;
        _peerPage = peer.Map(0, PageSize, writable: false).Value;
        _peerRing = peer.MapTwice(PageSize, SharedLink.RingBytes, writable: false).Value;
        peer.Dispose();
    }

    /// <summary>A well-formed request or answer as an entry, to be spoilt.</summary>
    public static byte[] Entry(FrameHeader frame, byte[] header, params (long Offset, long Length)[] extents)
    {
        frame.HeaderLength = header.Length;
        var headers = (FrameHeader.Size + header.Length + 15) & ~15;
        var entry = new byte[16 + headers + 16 * extents.Length];
        BinaryPrimitives.WriteInt32LittleEndian(entry, entry.Length);
        BinaryPrimitives.WriteInt32LittleEndian(entry.AsSpan(4), extents.Length);
        header.CopyTo(entry, 16 + FrameHeader.Size);
        frame.WriteBefore(entry.AsSpan(16));
        for (var i = 0; i < extents.Length; i++)
        {
            BinaryPrimitives.WriteInt64LittleEndian(entry.AsSpan(16 + headers + 16 * i), extents[i].Offset);
            BinaryPrimitives.WriteInt64LittleEndian(entry.AsSpan(16 + headers + 16 * i + 8), extents[i].Length);
        }

        return entry;
    }

    /// <summary>Puts bytes at the start of the ring, as the first entry.</summary>
    public unsafe void Put(byte[] entry) => entry.CopyTo(new Span<byte>((void*)_ring, SharedLink.RingBytes));

    public unsafe void Set(int field, ulong value) => Volatile.Write(ref *(ulong*)(_page + field), value);

    public unsafe ulong PeerField(int field) => Volatile.Read(ref *(ulong*)(_peerPage + field));

    /// <summary>The frame of the peer's first entry.</summary>
    public unsafe FrameHeader FirstFrame(FrameKind kind)
    {
        Assert.Equal(Status.Ok, FrameHeader.TryRead(new ReadOnlySpan<byte>((byte*)_peerRing + 16, FrameHeader.Size), kind, out var header));
        return header;
    }

    public void Ring() => _socket.Ring();

    /// <summary>Waits until the peer has ended the connection.</summary>
    public async ValueTask WaitForEndAsync()
    {
        while (await _socket.RungAsync() > 0)
        {
        }
    }

    /// <summary>Ends as a process that is killed: without a word in memory.</summary>
    public void Die() => _socket.Abort();

    public void Dispose()
    {
        _socket.Dispose();
        MemoryFile.Unmap(_page, PageSize);
        MemoryFile.Unmap(_ring, SharedLink.RingBytes * 2);
        MemoryFile.Unmap(_peerPage, PageSize);
        MemoryFile.Unmap(_peerRing, SharedLink.RingBytes * 2);
        _memory.Dispose();
        _arena.Dispose();
    }
}
