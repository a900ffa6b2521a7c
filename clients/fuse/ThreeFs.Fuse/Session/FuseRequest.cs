using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Contracts.Meta;
using ThreeFs.Fuse.Native;
using ThreeFs.Fuse.Protocol;

namespace ThreeFs.Fuse.Session;

/// <summary>
/// One request of the kernel from its arrival to its reply, with the memory of both. Pooled together with that memory.
/// </summary>
/// <remarks>
/// <code>
/// page 0 ............ | in_header 40 | write_in 40 | page 1: payload, maxWrite bytes
///                              | out_header 16 |
/// </code>
/// The memory is placed so that the payload of a WRITE lands on a page boundary and is sent on from there, and that
/// the data of a READ is received at the same place and leaves with its header in one write(2). A reply therefore
/// overwrites the request: arguments are taken out before anything is put in.
/// Invariant: every request that wants a reply gets exactly one, whatever the handler does (a lost one leaves the
/// caller in a wait that no signal ends). Not thread-safe but for <see cref="InterruptIf"/>; it moves from thread to
/// thread with the operation.
/// </remarks>
internal sealed unsafe class FuseRequest : IDisposable
{
    private const int Page = 4096;

    /// <summary>Header and arguments of a WRITE: what precedes its payload.</summary>
    public const int HeadSize = 80;

    private readonly FuseSession _session;
    private readonly nint _memory;
    private readonly Action _onCompleted;
    private readonly IMemoryObserver? _observer;
    private readonly Lock _interruptLock = new();
    private CancellationTokenSource? _cancellation;
    private ValueTaskAwaiter<Errno> _awaiter;
    private FuseInHeader _header;
    private int _length;
    private int _replyLength;
    private bool _interrupted;
    private bool _expired;

    public FuseRequest(FuseSession session, int maxWrite, IMemoryObserver? observer)
    {
        _session = session;
        _observer = observer;
        _memory = (nint)NativeMemory.AlignedAlloc((nuint)(Page + maxWrite), Page);
        Payload = new IoMemory(_memory + Page, maxWrite);
        _observer?.Added(Payload.Address, maxWrite);
        _onCompleted = OnCompleted;
    }

    public FuseInHeader Header => _header;
    public FuseOpcode Opcode => _header.Opcode;
    public ulong Unique => _header.Unique;

    /// <summary>The inode that the operation is about.</summary>
    public ulong Node => _header.Node;

    public FuseSession Session => _session;

    /// <summary>The descriptor that the request came from; its reply must go there.</summary>
    public int Descriptor { get; set; }

    /// <summary>Timestamp of its arrival.</summary>
    public long Started { get; private set; }

    /// <summary>Neighbours in the channel's list of requests in flight.</summary>
    public FuseRequest? Next { get; set; }

    public FuseRequest? Previous { get; set; }

    public FuseChannel? Channel { get; set; }

    /// <summary>Page-aligned memory for the data of a reply; the data of a WRITE is there when it arrives.</summary>
    public IoMemory Payload { get; }

    /// <summary>Where read(2) puts a request.</summary>
    public nint ReceiveAddress => _memory + Page - HeadSize;

    public int ReceiveCapacity => HeadSize + Payload.Length;

    /// <summary>Cancelled when the caller is being killed, or the session ends.</summary>
    public CancellationToken Cancellation
    {
        get
        {
            lock (_interruptLock)
            {
                _cancellation ??= new CancellationTokenSource();
                if (_interrupted && !_cancellation.IsCancellationRequested) _cancellation.Cancel();
                return _cancellation.Token;
            }
        }
    }

    /// <summary>Bytes behind the header.</summary>
    public ReadOnlySpan<byte> Body =>
        new((void*)(ReceiveAddress + sizeof(FuseInHeader)), _length - sizeof(FuseInHeader));

    /// <summary>Takes over what was received; false when it is no request.</summary>
    public bool Begin(int length, long now)
    {
        _length = length;
        _replyLength = 0;
        Started = now;
        if (length < sizeof(FuseInHeader)) return false;
        lock (_interruptLock) _header = Unsafe.ReadUnaligned<FuseInHeader>((void*)ReceiveAddress);
        return _header.Length == length;
    }

    /// <summary>The arguments; what a shorter message lacks is zero.</summary>
    public T Arguments<T>()
        where T : unmanaged
    {
        var body = Body;
        if (body.Length >= sizeof(T)) return Unsafe.ReadUnaligned<T>(ref MemoryMarshal.GetReference(body));
        T value = default;
        body.CopyTo(new Span<byte>(&value, sizeof(T)));
        return value;
    }

    /// <summary>
    /// The NUL-ended name that begins at this place of the body, copied; <paramref name="next"/> is behind its NUL.
    /// </summary>
    public FileName Name(int offset, out int next)
    {
        var rest = Body[Math.Min(offset, Body.Length)..];
        var end = rest.IndexOf((byte)0);
        if (end < 0) end = rest.Length;
        next = offset + end + 1;
        return new FileName(rest[..end].ToArray());
    }

    public FileName Name(int offset = 0) => Name(offset, out _);

    /// <summary>Sets the reply's data.</summary>
    public Errno Reply<T>(in T value)
        where T : unmanaged
    {
        Unsafe.WriteUnaligned((void*)Payload.Address, value);
        _replyLength = sizeof(T);
        return Errno.Ok;
    }

    /// <summary>Sets the reply's data to two structures, one behind the other.</summary>
    public Errno Reply<T1, T2>(in T1 first, in T2 second)
        where T1 : unmanaged
        where T2 : unmanaged
    {
        Unsafe.WriteUnaligned((void*)Payload.Address, first);
        Unsafe.WriteUnaligned((void*)(Payload.Address + sizeof(T1)), second);
        _replyLength = sizeof(T1) + sizeof(T2);
        return Errno.Ok;
    }

    public Errno Reply(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > Payload.Length) return Errno.EOVERFLOW;
        bytes.CopyTo(Payload.Span);
        _replyLength = bytes.Length;
        return Errno.Ok;
    }

    /// <summary>The reply's data are the first bytes of <see cref="Payload"/>, already there.</summary>
    public Errno ReplyPayload(int length)
    {
        Invariant.Check((uint)length <= (uint)Payload.Length, "a reply fits its memory");
        _replyLength = length;
        return Errno.Ok;
    }

    /// <summary>Replies when the operation has completed, on the thread that completes it.</summary>
    public void CompleteWith(ValueTask<Errno> operation)
    {
        _awaiter = operation.GetAwaiter();
        if (_awaiter.IsCompleted) OnCompleted();
        else _awaiter.UnsafeOnCompleted(_onCompleted);
    }

    private void OnCompleted()
    {
        Errno result;
        try
        {
            result = _awaiter.GetResult();
        }
        catch (Exception e)
        {
            result = _session.HandlerFailed(this, e);
        }

        _awaiter = default;
        if (result == Errno.EINTR && IsExpired) result = _session.Expired(this);
        Complete(result);
    }

    /// <summary>Sends the reply and gives the request back to its pool.</summary>
    public void Complete(Errno result)
    {
        // Out of the list first: an interrupt that comes now finds nothing, or the next user of this object would be
        // hit.
        Channel?.Remove(this);
        var length = result == Errno.Ok ? _replyLength : 0;
        Send(result, length);
        _session.Completed(this, result, length);
    }

    private void Send(Errno result, int length)
    {
        var address = Payload.Address - sizeof(FuseOutHeader);
        while (true)
        {
            *(FuseOutHeader*)address = new FuseOutHeader
            {
                Length = (uint)(sizeof(FuseOutHeader) + length), Error = -(int)result, Unique = _header.Unique,
            };
            if (LibC.Write(Descriptor, address, sizeof(FuseOutHeader) + length) >= 0) return;
            var error = LibC.LastError;
            if (error is Errno.EINTR or Errno.EAGAIN) continue;

            // ENOENT: the kernel has given the request up. ENODEV and friends: the connection is gone and with it all
            // waiters.
            if (error is Errno.ENOENT or Errno.ENODEV or Errno.ENOTCONN or Errno.ECONNABORTED) return;
            _session.ReplyFailed(this, error);
            if (result != Errno.Ok && length == 0) return;
            result = Errno.EIO;
            length = 0;
        }
    }

    /// <summary>
    /// Cancels the operation if it is still this one; what waits for it may continue inside this call. Any thread.
    /// </summary>
    public bool InterruptIf(ulong unique)
    {
        CancellationTokenSource? cancellation;
        lock (_interruptLock)
        {
            if (_header.Unique != unique) return false;
            _interrupted = true;
            cancellation = _cancellation;
        }

        // Outside the lock, and the source is never disposed once interrupted: Reset may run inside this call.
        cancellation?.Cancel();
        return true;
    }

    /// <summary>The same because it took too long: its caller gets EIO.</summary>
    public void ExpireIf(ulong unique)
    {
        lock (_interruptLock)
        {
            if (_header.Unique != unique) return;
            _expired = true;
        }

        InterruptIf(unique);
    }

    private bool IsExpired
    {
        get
        {
            lock (_interruptLock) return _expired;
        }
    }

    /// <summary>Ready for the next request.</summary>
    public void Reset()
    {
        lock (_interruptLock)
        {
            _header.Unique = 0;
            if (_interrupted || (_cancellation is not null && !_cancellation.TryReset())) _cancellation = null;
            _interrupted = false;
            _expired = false;
        }

        Channel = null;
    }

    public void Dispose()
    {
        _cancellation?.Dispose();
        _observer?.Removing(Payload.Address);
        NativeMemory.AlignedFree((void*)_memory);
    }
}
