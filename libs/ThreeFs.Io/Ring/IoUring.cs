using ThreeFs.Base;
using ThreeFs.Io.Linux;

namespace ThreeFs.Io.Ring;

/// <summary>
/// One submission and one completion queue shared with the kernel. Used by the thread that made it and by no other:
/// that is what SINGLE_ISSUER and DEFER_TASKRUN ask for, and why nothing here is locked.
/// </summary>
/// <remarks>
/// The kernel publishes completions with a release store of the tail, and reads the submission tail with an acquire
/// load; the volatile accesses below are their counterparts. A store to the completion head may not become visible
/// before the entry was read, or the kernel would overwrite an entry still in use.
/// </remarks>
internal sealed unsafe class IoUring : IDisposable
{
    private readonly int _fd;
    private readonly byte* _rings;
    private readonly nuint _ringsLength;
    private readonly Sqe* _sqes;
    private readonly nuint _sqesLength;
    private readonly uint* _sqHead;
    private readonly uint* _sqTail;
    private readonly uint _sqEntries;
    private readonly uint _sqMask;
    private readonly uint* _cqHead;
    private readonly uint* _cqTail;
    private readonly Cqe* _cqes;
    private readonly uint _cqMask;
    private uint _tail;
    private uint _submitted;
    private bool _disposed;

    private IoUring(int fd, in UringParams p, byte* rings, nuint ringsLength, Sqe* sqes, nuint sqesLength)
    {
        _fd = fd;
        _rings = rings;
        _ringsLength = ringsLength;
        _sqes = sqes;
        _sqesLength = sqesLength;
        _sqHead = (uint*)(rings + p.Sq.Head);
        _sqTail = (uint*)(rings + p.Sq.Tail);
        _sqEntries = p.SqEntries;
        _sqMask = *(uint*)(rings + p.Sq.RingMask);
        _cqHead = (uint*)(rings + p.Cq.Head);
        _cqTail = (uint*)(rings + p.Cq.Tail);
        _cqes = (Cqe*)(rings + p.Cq.Cqes);
        _cqMask = *(uint*)(rings + p.Cq.RingMask);
        DefersTaskRun = (p.Flags & Uring.SetupDeferTaskRun) != 0;

        // Entry i of the indirection is always slot i, so it is written once.
        var array = (uint*)(rings + p.Sq.Array);
        for (var i = 0u; i < p.SqEntries; i++) array[i] = i;
    }

    /// <summary>False on kernels before 6.1: completions then interrupt the thread instead of waiting for it.</summary>
    public bool DefersTaskRun { get; }

    /// <summary>Entries written and not yet handed to the kernel.</summary>
    public uint Unsubmitted => _tail - _submitted;

    /// <summary>Asks for the best ring the kernel has, and for less on older ones.</summary>
    public static Result<IoUring> Create(uint entries)
    {
        ReadOnlySpan<uint> flavours =
        [
            Uring.SetupSingleIssuer | Uring.SetupDeferTaskRun | Uring.SetupCoopTaskRun,
            Uring.SetupCoopTaskRun,
            0,
        ];
        var p = default(UringParams);
        var fd = -Errno.EINVAL;
        foreach (var flavour in flavours)
        {
            p = new UringParams { Flags = flavour | Uring.SetupCqSize | Uring.SetupClamp, CqEntries = entries * 4 };
            fd = Sys.UringSetup(entries, &p);
            if (fd != -Errno.EINVAL) break;
        }

        if (fd < 0)
        {
            return new Status(StatusCode.NotSupported,
                $"io_uring is not available: {Errno.Describe(-fd)}; needs Linux 5.11 and kernel.io_uring_disabled = 0");
        }

        const uint needed = Uring.FeatureSingleMmap | Uring.FeatureNoDrop | Uring.FeatureExtArg;
        if ((p.Features & needed) != needed)
        {
            Sys.Close(fd);
            return new Status(StatusCode.NotSupported, "this kernel's io_uring is too old: Linux 5.11 is needed");
        }

        return Map(fd, p);
    }

    private static Result<IoUring> Map(int fd, in UringParams p)
    {
        var ringsLength = Math.Max(
            p.Sq.Array + p.SqEntries * sizeof(uint),
            p.Cq.Cqes + p.CqEntries * (nuint)sizeof(Cqe));
        var sqesLength = p.SqEntries * (nuint)sizeof(Sqe);
        var rings = (byte*)Sys.MapShared(ringsLength, fd, Uring.OffsetSqRing, out var error);
        if (error == 0)
        {
            var sqes = (Sqe*)Sys.MapShared(sqesLength, fd, Uring.OffsetSqes, out error);
            if (error == 0) return new IoUring(fd, p, rings, ringsLength, sqes, sqesLength);
            Sys.Unmap(rings, ringsLength);
        }

        Sys.Close(fd);
        return Errno.ToStatus(error, "map the queues of io_uring");
    }

    /// <summary>The next free submission, zeroed; false when the queue is full until something is submitted.</summary>
    public bool TryGetSqe(out Sqe* sqe)
    {
        if (_tail - Volatile.Read(ref *_sqHead) >= _sqEntries)
        {
            sqe = null;
            return false;
        }

        sqe = _sqes + (_tail & _sqMask);
        *sqe = default;
        _tail++;
        return true;
    }

    /// <summary>
    /// Hands over what was written and, when asked, waits for a completion. Returns 0 or a negative error; EINTR,
    /// ETIME, EBUSY and EAGAIN are normal, and nothing is lost by them.
    /// </summary>
    /// <param name="wait">Wait until a completion is there.</param>
    /// <param name="timeoutNanoseconds">Longest wait; negative for no limit.</param>
    public int Enter(bool wait, long timeoutNanoseconds)
    {
        Volatile.Write(ref *_sqTail, _tail);
        var timeout = new KernelTimespec
        {
            Seconds = timeoutNanoseconds / 1_000_000_000,
            Nanoseconds = timeoutNanoseconds % 1_000_000_000,
        };
        var arg = new GetEventsArg { SignalMaskSize = 8, Timeout = timeoutNanoseconds < 0 ? null : &timeout };
        var result = Sys.UringEnter(_fd, _tail - _submitted, wait ? 1u : 0u,
            Uring.EnterGetEvents | Uring.EnterExtArg, &arg, (nuint)sizeof(GetEventsArg));

        // The kernel's head tells exactly what was taken, also when the call was interrupted after it.
        _submitted = Volatile.Read(ref *_sqHead);
        return result < 0 ? result : 0;
    }

    public bool TryTakeCqe(out Cqe cqe)
    {
        var head = *_cqHead;
        if (head == Volatile.Read(ref *_cqTail))
        {
            cqe = default;
            return false;
        }

        cqe = _cqes[head & _cqMask];
        Volatile.Write(ref *_cqHead, head + 1);
        return true;
    }

    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        Sys.Unmap(_sqes, _sqesLength);
        Sys.Unmap(_rings, _ringsLength);
        Sys.Close(_fd);
    }
}
