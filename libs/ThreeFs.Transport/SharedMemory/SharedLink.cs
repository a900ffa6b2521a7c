using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Io.SharedMemory;
using ThreeFs.Transport.Frames;

namespace ThreeFs.Transport.SharedMemory;

/// <summary>
/// Two rings of frames in memory, one each way. Each side writes only its own memory and maps the other's for
/// reading, so a peer can break what it says but not what we have. An entry of a ring is
/// <code>
/// 0 length, a multiple of 16   4 number of extents   8 0 (reserved)
/// 16 frame header (48)         64 variable header    then 16 bytes an extent: offset in the sender's arena, length, 0
/// </code>
/// and the first page of each side's memory holds, 128 bytes apart, its <see cref="Field"/>s.
/// </summary>
/// <remarks>
/// What a peer writes is hostile: every index is read once and must move forwards within the ring, an entry is copied
/// before it is looked at, every extent must lie in the peer's arena. Nobody is woken who does not sleep: a side that
/// is about to sleep makes its <see cref="Field.Sleep"/> odd and then looks at the ring once more; a writer looks at
/// it after its entry is visible. With the full fences between, one of the two sees the other. The number is counted,
/// so a sleeper is rung for once however much is written.
/// <para>
/// Memory is reused when the receiver has passed the entry that names it, or at the end: then
/// <see cref="Field.Closed"/> is set first, and the receiver looks at it after copying, so bytes that may have
/// changed under the copy are never used.
/// </para>
/// Writing is under the connection's lock; all else is the reactor's.
/// </remarks>
internal sealed unsafe class SharedLink : IDisposable
{
    /// <summary>Version of everything above; both sides have the same.</summary>
    public const uint Version = 1;

    public const int RingBytes = 128 * 1024;

    private const int Page = 4096;
    private const int Prefix = 16;
    private const int ExtentSize = 16;
    private const int SmallHeader = 1024;

    /// <summary>Offsets in a side's first page.</summary>
    private enum Field
    {
        /// <summary>Bytes written to this side's ring.</summary>
        Tail = 0,
        /// <summary>Bytes taken from the other side's ring.</summary>
        Head = 128,
        /// <summary>Odd while this side sleeps and wants to be woken by an entry.</summary>
        Sleep = 256,
        /// <summary>Odd while this side wants to be woken when its ring has more room.</summary>
        Room = 384,
        /// <summary>1 while this side takes no entries because it has enough to do.</summary>
        Full = 512,
        /// <summary>1 when this side's memory may be reused: what is read from now on may be anything.</summary>
        Closed = 640,
    }

    private readonly byte* _own;
    private readonly byte* _ownRing;
    private readonly byte* _peer;
    private readonly byte* _peerRing;
    private readonly byte* _peerArena;
    private readonly long _peerArenaLength;
    private bool _disposed;

    // Writing.
    private ulong _tail;
    private ulong _peerHead;
    private uint _room;
    private uint _rungForSleep;

    // Reading.
    private ulong _head;
    private ulong _peerTail;
    private uint _sleep;
    private uint _rungForRoom;
    private byte[] _header = new byte[SmallHeader];
    private Extent[] _extents = new Extent[4];
    private int _extentCount;
    private uint _entryLength;

    private SharedLink(nint own, nint ownRing, nint peer, nint peerRing, nint peerArena, long peerArenaLength)
    {
        _own = (byte*)own;
        _ownRing = (byte*)ownRing;
        _peer = (byte*)peer;
        _peerRing = (byte*)peerRing;
        _peerArena = (byte*)peerArena;
        _peerArenaLength = peerArenaLength;
    }

    /// <summary>A side's own memory, for sending; not yet mapped.</summary>
    public static Result<MemoryFile> CreateOutbox() => MemoryFile.Create("threefs-ring", Page + RingBytes);

    /// <summary>Maps both sides' memory. The files are the caller's and may be closed afterwards.</summary>
    public static Result<SharedLink> Map(MemoryFile own, MemoryFile peer, MemoryFile peerArena)
    {
        if (peer.Length != Page + RingBytes)
            return new Status(StatusCode.ProtocolError, $"the peer's ring has {peer.Length} bytes instead of {Page + RingBytes}");
        Span<nint> mapped = stackalloc nint[5];
        ReadOnlySpan<long> lengths = [Page, RingBytes * 2, Page, RingBytes * 2, peerArena.Length];
        var status = Status.Ok;
        var done = 0;
        for (; done < mapped.Length && status.IsOk; done++)
        {
            var result = done switch
            {
                0 => own.Map(0, Page, writable: true),
                1 => own.MapTwice(Page, RingBytes, writable: true),
                2 => peer.Map(0, Page, writable: false),
                3 => peer.MapTwice(Page, RingBytes, writable: false),
                _ => peerArena.Map(0, peerArena.Length, writable: false),
            };
            status = result.Status;
            if (status.IsOk) mapped[done] = result.Value;
        }

        if (status.IsOk) status = own.SealWrites();
        if (status.IsOk) return new SharedLink(mapped[0], mapped[1], mapped[2], mapped[3], mapped[4], peerArena.Length);
        for (var i = 0; i < mapped.Length; i++)
        {
            if (mapped[i] != 0) MemoryFile.Unmap(mapped[i], lengths[i]);
        }

        return status;
    }

    // Writing: under the connection's lock.

    /// <summary>
    /// Bytes of the own ring that the peer has taken; a failure when it says what cannot be.
    /// </summary>
    public Status TakePeerHead(out ulong head)
    {
        head = Volatile.Read(ref At<ulong>(_peer, Field.Head));
        if (head < _peerHead || head > _tail)
        {
            head = _peerHead;
            return Wrong("says that it has taken what was not sent");
        }

        _peerHead = head;
        return Status.Ok;
    }

    /// <summary>Writes an entry and makes it visible; false when there is no room now.</summary>
    /// <param name="frame">Sealed.</param>
    /// <param name="place">Where its payload lies, if it has one.</param>
    /// <param name="end">The peer's head reaches this when it has taken the entry and its payload.</param>
    public bool TryWrite(OutgoingFrame frame, PayloadPlace? place, out ulong end)
    {
        var headers = frame.Headers;
        var extents = place is null ? default : place.Extents;
        var length = EntryLength(headers.Length, extents.Length);
        Invariant.Check(length <= RingBytes, "a frame fits into the ring");
        end = _tail + (uint)length;
        if (end - _peerHead > RingBytes)
        {
            TakePeerHead(out _);
            if (end - _peerHead > RingBytes) return false;
        }

        var entry = _ownRing + _tail % RingBytes;
        *(int*)entry = length;
        *(int*)(entry + 4) = extents.Length;
        *(long*)(entry + 8) = 0;
        headers.CopyTo(new Span<byte>(entry + Prefix, headers.Length));
        var at = entry + Prefix + Aligned(headers.Length);
        foreach (var extent in extents)
        {
            *(long*)at = extent.Offset;
            *(long*)(at + 8) = extent.Length;
            at += ExtentSize;
        }

        _tail = end;
        Volatile.Write(ref At<ulong>(_own, Field.Tail), end);
        return true;
    }

    /// <summary>Asks to be woken when the peer has taken something; the caller tries once more afterwards.</summary>
    public void AskForRoom()
    {
        if ((_room & 1) != 0) return;
        Volatile.Write(ref At<uint>(_own, Field.Room), ++_room);
        Interlocked.MemoryBarrier();
    }

    public void NeedNoRoom()
    {
        if ((_room & 1) == 0) return;
        Volatile.Write(ref At<uint>(_own, Field.Room), ++_room);
    }

    /// <summary>The peer sleeps and was not yet rung for what has been written.</summary>
    public bool MustRing()
    {
        // The entries are visible before the announcement is looked at.
        Interlocked.MemoryBarrier();
        var sleep = Volatile.Read(ref At<uint>(_peer, Field.Sleep));
        if ((sleep & 1) == 0 || sleep == _rungForSleep) return false;
        _rungForSleep = sleep;
        return true;
    }

    public bool IsPeerFull => Volatile.Read(ref At<uint>(_peer, Field.Full)) != 0;

    /// <summary>From now on this side's buffers may change under a reader, who looks at this after reading.</summary>
    public void MarkClosed()
    {
        Volatile.Write(ref At<uint>(_own, Field.Closed), 1);
        Interlocked.MemoryBarrier();
    }

    // Reading: the reactor's.

    /// <summary>Entries are there that were not taken.</summary>
    public bool HasEntries => Volatile.Read(ref At<ulong>(_peer, Field.Tail)) != _head;

    /// <summary>
    /// The next entry: its frame's headers, copied here and valid until the next call. False when there is none, or
    /// when <paramref name="status"/> says what is wrong with it. A found one is followed by <see cref="Consume"/>.
    /// </summary>
    public bool TryRead(FrameKind expected, out FrameHeader header, out ReadOnlySpan<byte> variable, out Status status)
    {
        header = default;
        variable = default;
        status = Status.Ok;
        if (_peerTail == _head)
        {
            var tail = Volatile.Read(ref At<ulong>(_peer, Field.Tail));
            if (tail < _head || tail - _head > RingBytes) return Fail("says that its ring holds more than it can", out status);
            _peerTail = tail;
            if (tail == _head) return false;
        }

        var entry = _peerRing + _head % RingBytes;
        var available = _peerTail - _head;
        if (available < Prefix + FrameHeader.Size) return Fail("wrote an entry that is too short", out status);
        var length = Volatile.Read(ref *(uint*)entry);
        var extents = Volatile.Read(ref *(uint*)(entry + 4));
        Span<byte> fixedPart = stackalloc byte[FrameHeader.Size];
        new ReadOnlySpan<byte>(entry + Prefix, FrameHeader.Size).CopyTo(fixedPart);
        status = FrameHeader.TryRead(fixedPart, expected, out header);
        if (!status.IsOk) return false;
        if (extents > IoSlices.MaxCount || length > available
            || length != EntryLength(FrameHeader.Size + header.HeaderLength, (int)extents))
            return Fail($"wrote an entry of {length} bytes with {extents} extents and a header of {header.HeaderLength}", out status);
        if (_header.Length < header.HeaderLength) _header = new byte[TransportLimits.MaxHeader];
        new ReadOnlySpan<byte>(entry + Prefix + FrameHeader.Size, header.HeaderLength).CopyTo(_header);
        variable = _header.AsSpan(0, header.HeaderLength);
        status = header.CheckHeader(variable);
        if (status.IsOk) status = TakeExtents(entry + Prefix + Aligned(FrameHeader.Size + header.HeaderLength), (int)extents, header.PayloadLength);
        _entryLength = length;
        return status.IsOk;
    }

    private Status TakeExtents(byte* at, int count, int payload)
    {
        if (_extents.Length < count) _extents = new Extent[IoSlices.MaxCount];
        _extentCount = count;
        var sum = 0L;
        for (var i = 0; i < count; i++, at += ExtentSize)
        {
            var offset = Volatile.Read(ref *(long*)at);
            var length = Volatile.Read(ref *(long*)(at + 8));
            if (length <= 0 || length > payload || offset < 0 || offset > _peerArenaLength - length)
                return Wrong($"names {length} bytes at {offset} of its {_peerArenaLength} bytes of memory");
            _extents[i] = new Extent(offset, (int)length);
            sum += length;
        }

        return sum == payload ? Status.Ok : Wrong($"names {sum} bytes for a payload of {payload}");
    }

    /// <summary>
    /// Copies the entry's payload; false when the peer may have reused its memory meanwhile: then the copy is worth
    /// nothing.
    /// </summary>
    public bool TryCopyPayload(in IoSlices destination)
    {
        var at = 0L;
        for (var i = 0; i < _extentCount; i++)
        {
            var extent = _extents[i];
            destination.CopyFrom(at, new ReadOnlySpan<byte>(_peerArena + extent.Offset, extent.Length));
            at += extent.Length;
        }

        Interlocked.MemoryBarrier();
        return Volatile.Read(ref At<uint>(_peer, Field.Closed)) == 0;
    }

    /// <summary>
    /// 64 bits of the peer's arena; 0 when there are none, or the peer may have given its memory another use when they were read.
    /// </summary>
    public ulong WordAt(long offset)
    {
        if (offset < 0 || offset % sizeof(ulong) != 0 || offset > _peerArenaLength - sizeof(ulong)) return 0;
        var word = Volatile.Read(ref *(ulong*)(_peerArena + offset));
        Interlocked.MemoryBarrier();
        return Volatile.Read(ref At<uint>(_peer, Field.Closed)) == 0 ? word : 0;
    }

    /// <summary>The entry and its payload are not needed any more.</summary>
    public void Consume() => _head += _entryLength;

    /// <summary>
    /// Tells the peer what was consumed; true when it waits for room and must be rung.
    /// </summary>
    public bool PublishHead(bool isFull)
    {
        ref var full = ref At<uint>(_own, Field.Full);
        if (full != 0 != isFull) Volatile.Write(ref full, isFull ? 1u : 0);
        ref var head = ref At<ulong>(_own, Field.Head);
        if (head == _head) return false;
        Volatile.Write(ref head, _head);

        // What was consumed is visible before the wish for it is looked at.
        Interlocked.MemoryBarrier();
        var room = Volatile.Read(ref At<uint>(_peer, Field.Room));
        if ((room & 1) == 0 || room == _rungForRoom) return false;
        _rungForRoom = room;
        return true;
    }

    /// <summary>Announces sleep; false, and nothing is announced, when entries have come.</summary>
    public bool TrySleep(bool wantsEntries)
    {
        if (wantsEntries && HasEntries) return false;
        if ((_sleep & 1) == 0) Volatile.Write(ref At<uint>(_own, Field.Sleep), ++_sleep);
        Interlocked.MemoryBarrier();
        if (!wantsEntries || !HasEntries) return true;
        Wake();
        return false;
    }

    public void Wake()
    {
        if ((_sleep & 1) != 0) Volatile.Write(ref At<uint>(_own, Field.Sleep), ++_sleep);
    }

    private static bool Fail(string what, out Status status)
    {
        status = Wrong(what);
        return false;
    }

    private static Status Wrong(string what) => new(StatusCode.ProtocolError, $"the peer {what}");

    private static int EntryLength(int headers, int extents) => Prefix + Aligned(headers) + extents * ExtentSize;

    private static int Aligned(int bytes) => (bytes + 15) & ~15;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ref T At<T>(byte* page, Field field)
        where T : unmanaged => ref Unsafe.AsRef<T>(page + (int)field);

    /// <summary>Unmaps everything; nobody reads or writes any more.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        MemoryFile.Unmap((nint)_own, Page);
        MemoryFile.Unmap((nint)_ownRing, RingBytes * 2);
        MemoryFile.Unmap((nint)_peer, Page);
        MemoryFile.Unmap((nint)_peerRing, RingBytes * 2);
        MemoryFile.Unmap((nint)_peerArena, _peerArenaLength);
    }
}
