using ThreeFs.Fuse.Protocol;
using ThreeFs.Fuse.Session;
using ThreeFs.Fuse.Tables;

namespace ThreeFs.Fuse.Cluster;

/// <summary>
/// fallocate(2). Nothing is reserved: allocating extends the file, or with KEEP_SIZE does nothing. PUNCH_HOLE and
/// ZERO_RANGE make the range read as zeros and give back whole chunks. The kernel holds the inode's lock, so no write
/// of this mount is under way.
/// </summary>
internal sealed class AllocationOps(ClusterContext context, LengthReporter reporter)
{
    public async ValueTask<Errno> FallocateAsync(FuseRequest request, FuseFallocateIn a)
    {
        if (context.Files.Find(a.Handle) is not { } file) return Errno.EBADF;
        if ((a.Mode & ~FallocateMode.Known) != 0) return Errno.EOPNOTSUPP;
        if (a.Offset > long.MaxValue || a.Length > (ulong)long.MaxValue - a.Offset) return Errno.EFBIG;
        var (offset, end) = ((long)a.Offset, (long)(a.Offset + a.Length));
        if ((a.Mode & FallocateMode.Clearing) != 0)
        {
            var cleared = await ClearAsync(request, file, offset, Math.Min(end, file.Inode.Length));
            if (cleared != Errno.Ok) return cleared;
        }

        return a.Mode.HasFlag(FallocateMode.KeepSize) ? Errno.Ok : await ExtendAsync(request, file, end);
    }

    /// <summary>The same as PUNCH_HOLE, without the kernel: its pages of the file are dropped afterwards.</summary>
    public async ValueTask<Errno> PunchAsync(FuseRequest request, ulong handle, (ulong Start, ulong End)[] ranges)
    {
        if (context.Files.Find(handle) is not { } file || file.Inode.Id != InodeTable.IdOf(request.Node)) return Errno.EBADF;
        if (!file.MayUse(forRead: false)) return Errno.EBADF;
        foreach (var (start, end) in ranges)
        {
            if (start > end || end > long.MaxValue) return Errno.EINVAL;
        }

        foreach (var (start, end) in ranges)
        {
            var cleared = await ClearAsync(request, file, (long)start, Math.Min((long)end, file.Inode.Length));
            if (cleared != Errno.Ok) return cleared;
        }

        await request.Session.ForgetContentAsync(request.Node);
        return Errno.Ok;
    }

    private async ValueTask<Errno> ClearAsync(FuseRequest request, OpenFile file, long offset, long end)
    {
        if (offset >= end) return Errno.Ok;

        // Chunks at the end may go, and then only the metadata service knows how long the file is.
        file.Inode.Written(end, file.Inode.TruncateVersion, context.Clock, file.User);
        var reported = await reporter.ReportAsync(file.Inode, file.User, request.Cancellation);
        if (!reported.IsOk) return context.Fail(request, reported);
        request.Payload.Span.Clear();
        var cleared = await file.Content.ClearAsync(offset, end - offset, request.Payload, request.Cancellation);

        // Reported once more with the next close: only after that do others know that their pages are old.
        file.Inode.Written(end, file.Inode.TruncateVersion, context.Clock, file.User);
        return context.Fail(request, cleared);
    }

    /// <summary>The new end is reported like that of a write, so it cannot cut off what others append meanwhile.</summary>
    private async ValueTask<Errno> ExtendAsync(FuseRequest request, OpenFile file, long end)
    {
        while (file.Inode.Length < end)
        {
            file.Inode.Written(end, file.Inode.TruncateVersion, context.Clock, file.User);
            var status = await reporter.ReportAsync(file.Inode, file.User, request.Cancellation);
            if (!status.IsOk) return context.Fail(request, status);
        }

        return Errno.Ok;
    }
}
