using System.Runtime.CompilerServices;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Base.Tasks;
using ThreeFs.Contracts.Meta;
using ThreeFs.Fuse.Native;
using ThreeFs.Fuse.Protocol;
using ThreeFs.Fuse.Session;
using ThreeFs.Fuse.Tables;

namespace ThreeFs.Fuse.Cluster;

/// <summary>
/// Open files: open and create, read and write, close, fsync. Every open asks the metadata service, so that it sees what
/// was closed, synced or renamed before; a file open for writing has a session there.
/// </summary>
internal sealed class FileOps(ClusterContext context, LengthReporter reporter, ReaderSessions readers,
    SessionEnder ender, LockOps locks)
{
    private readonly Appends _appends = new(context, reporter);

    public async ValueTask<Errno> OpenAsync(FuseRequest request, FuseOpenIn a)
    {
        var id = InodeTable.IdOf(request.Node);
        var user = context.User(request);
        var flags = Wire.OpenFlags(a.Flags);
        var isRetry = context.StaleOpens.IsRetry(request.Header.Pid, request.Node);
        if (!isRetry) flags |= OpenFlags.Named;
        var changes = (flags & (OpenFlags.Write | OpenFlags.Truncate)) != 0;
        SessionId? session = (flags & OpenFlags.Write) != 0 ? context.NewSession() : null;
        var cut = (flags & OpenFlags.Truncate) != 0 ? context.Inodes.Find(id) : null;
        var asked = context.Now;
        var opened = isRetry
            ? await context.RefreshAsync(request, id)
            : await context.RefreshByNameAsync(request, id);
        if (!opened.TryGet(out var attr)) return OpenFailed(request, opened.Status, session: null);
        if (!isRetry && attr.LinkCount == 0) return Stale(request);
        var mark = cut?.WriteMark;
        if (changes)
        {
            asked = context.Now;
            opened = await context.Meta.OpenAsync(user, id, flags, session ?? default, request.Cancellation);
            if (!opened.TryGet(out attr)) return OpenFailed(request, opened.Status, session);
        }

        var reply = Register(attr, asked, session, user, a.Flags, created: false);
        if (cut is not null) await CutAsync(request, cut, attr, asked, mark, user);

        // A read is cut off at the end that the kernel knows.
        if (context.Inodes.Find(id) is { IsKernelBehind: true }) request.Session.ForgetAttributes(request.Node);
        return request.Reply(reply);
    }

    public async ValueTask<Errno> CreateAsync(FuseRequest request, FuseCreateIn a, FileName name)
    {
        var parent = InodeTable.IdOf(request.Node);
        var user = context.User(request);
        var flags = Wire.OpenFlags(a.Flags);
        SessionId? session = (flags & OpenFlags.Write) != 0 ? context.NewSession() : null;
        using var change = NameChange.In(context.Inodes.Find(parent));
        var asked = context.Now;
        var made = await context.Meta.CreateAsync(
            user, parent, name, new NewInode(InodeType.File, a.Mode & Wire.Permissions), flags, session ?? default,
                request.Cancellation);
        if (!made.TryGet(out var result)) return OpenFailed(request, made.Status, session);
        var cut = !result.Created && (flags & OpenFlags.Truncate) != 0 ? context.Inodes.Find(result.Attr.Id) : null;
        var reply = Register(result.Attr, asked, session, user, a.Flags, result.Created);
        if (cut is not null) await CutAsync(request, cut, result.Attr, asked, mark: null, user);
        return request.Reply(context.Entry(parent, name, result.Attr, asked), reply);
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    public async ValueTask<Errno> ReadAsync(FuseRequest request, FuseReadIn a)
    {
        if (context.Files.Find(a.Handle) is not { } file) return Errno.EBADF;
        var offset = (long)a.Offset;
        var size = (int)Math.Min(a.Size, (uint)request.Payload.Length);

        // The end that is known here may be old; what lies before it is not affected.
        if (offset + size > file.Inode.Length
            && (file.IsDirect || !file.Inode.IsFresh(context.Options.AttrTimeout)))
        {
            var fresh = await context.RefreshAsync(request, file.Inode.Id);
            if (!fresh.IsOk) return context.Fail(request, fresh.Status);
        }

        var length = (int)Math.Min(size, file.Inode.Length - offset);
        if (length <= 0) return request.ReplyPayload(0);
        var code = await file.Content.ReadAsync(offset, request.Payload.Slice(0, length), request.Cancellation);
        return code == StatusCode.Ok ? request.ReplyPayload(length) : context.Fail(request, code);
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    public async ValueTask<Errno> WriteAsync(FuseRequest request, FuseWriteIn a, IoMemory data)
    {
        if (context.Files.Find(a.Handle) is not { } file) return Errno.EBADF;
        if (a.Offset > (ulong)(long.MaxValue - a.Size)) return Errno.EFBIG;
        if (IsAppend(a)) return await _appends.WriteAsync(request, file, a, data);
        var under = file.Inode.TruncateVersion;
        var code = await file.Content.WriteAsync((long)a.Offset, data, request.Cancellation);
        if (code != StatusCode.Ok)
        {
            file.Inode.WriteFailed(context.Clock, file.User);
            return context.Fail(request, code);
        }

        file.Inode.Written((long)a.Offset + a.Size, under, context.Clock, file.User);
        Metrics.WrittenBytes.Inc(a.Size);
        if ((a.WriteFlags & FuseWriteFlags.KillSuidGid) != 0) await Privileges.KillAsync(context, request, file.Inode);
        if (file.OnlyAppends)
        {
            // O_APPEND was taken away by fcntl(2), and the session says that the metadata service knows every write.
            var reported = await reporter.ReportAsync(file.Inode, file.User, request.Cancellation);
            if (!reported.IsOk) return context.Fail(request, reported);
        }

        return request.Reply(new FuseWriteOut { Size = a.Size });
    }

    private static bool IsAppend(in FuseWriteIn a) =>
        (a.Flags & LibC.O_APPEND) != 0 && !a.WriteFlags.HasFlag(FuseWriteFlags.Cache);

    /// <summary>close(2) of one descriptor: what was written is visible to everybody when it returns.</summary>
    public async ValueTask<Errno> FlushAsync(FuseRequest request, FuseFlushIn a)
    {
        if (context.Files.Find(a.Handle) is not { } file) return Errno.EBADF;
        var reported = file.Session is null
            ? Status.Ok
            : await reporter.ReportAsync(file.Inode, file.User, request.Cancellation);
        TellKernel(request, file);
        await locks.ProcessClosedAsync(request, file.Inode.Id, a.LockOwner);
        return context.Fail(request, reported);
    }

    /// <summary>The last descriptor is gone. Nobody waits for this and nobody can be told of a failure.</summary>
    public async ValueTask<Errno> ReleaseAsync(FuseReleaseIn a)
    {
        if (context.Files.Remove(a.Handle) is not { } file) return Errno.EBADF;
        if (file.Session is { } session)
        {
            var status = await reporter.CloseAsync(file.Inode, file.User, session, CancellationToken.None);
            if (!status.IsOk)
            {
                // Collected meanwhile: there is nothing left to close.
                if (status.Code is not (StatusCode.NotFound or StatusCode.StaleHandle))
                    Log.CloseFailed(context.Log, file.Inode.Id, status);
                ender.End(session);
            }
        }

        await locks.FileClosedAsync(file.Inode.Id, a.Handle);
        if (context.Inodes.Closed(file.Inode, file.Session is not null) == 0) await readers.Closed(file.Inode);
        return Errno.Ok;
    }

    public async ValueTask<Errno> FsyncAsync(FuseRequest request, FuseFsyncIn a)
    {
        if (context.Files.Find(a.Handle) is not { } file) return Errno.EBADF;
        var flushed = await file.Content.FlushAsync(request.Cancellation);
        if (!flushed.IsOk) return context.Fail(request, flushed);
        if ((a.Flags & FuseConstants.FsyncDataOnly) != 0 && file.Inode.IsLengthDurable) return Errno.Ok;
        var reported = await reporter.ReportDurablyAsync(file.Inode, file.User, request.Cancellation);
        TellKernel(request, file);
        return context.Fail(request, reported);
    }

    /// <summary>What rings wrote shows through the kernel too, from the fsync(2) or close(2) on that made it visible.</summary>
    private static void TellKernel(FuseRequest request, OpenFile file)
    {
        if (file.Session is not null && file.Inode.IsKernelBehind) request.Session.ForgetAttributes(request.Node);
    }

    /// <summary>
    /// syncfs(2): everything written through this mount and its names are on stable storage. Linux asks only virtiofs
    /// for it; for /dev/fuse syncfs(2) ends in the kernel.
    /// </summary>
    public async ValueTask<Errno> SyncAllAsync(FuseRequest request) =>
        context.Fail(request, await SyncAllAsync(context.User(request), request.Cancellation));

    internal async ValueTask<Status> SyncAllAsync(MetaContext user, CancellationToken ct)
    {
        var status = await context.Contents.FlushAllAsync(ct);
        foreach (var inode in context.Inodes.AllOpen())
        {
            var reported = await reporter.ReportAsync(inode, user, ct);
            var isGone = reported.Code is StatusCode.NotFound or StatusCode.StaleHandle;
            if (status.IsOk && !isGone) status = reported;
        }

        var flushed = await context.Meta.FlushAsync(context.Again(user), ct);
        return status.IsOk ? flushed : status;
    }

    /// <summary>A file counts as one piece of data: allowed, and right for whoever copies it.</summary>
    public ValueTask<Errno> SeekAsync(FuseRequest request, FuseLSeekIn a)
    {
        const uint seekData = 3, seekHole = 4;
        if (context.Files.Find(a.Handle) is not { } file) return new(Errno.EBADF);
        var length = (ulong)file.Inode.Length;
        if (a.Whence is not (seekData or seekHole)) return new(Errno.EINVAL);
        if (a.Offset >= length) return new(Errno.ENXIO);
        return new(request.Reply(new FuseLSeekOut { Offset = a.Whence == seekData ? a.Offset : length }));
    }

    /// <summary>
    /// O_TRUNC beside writes through other descriptors (the kernel holds no lock): the length is known before the open
    /// returns. If it cannot be found out now, the next report does.
    /// </summary>
    private async ValueTask CutAsync(
        FuseRequest request, InodeState inode, InodeAttr attr, long asked, long? mark, MetaContext user)
    {
        inode.Truncated(attr, asked, mark);
        if (!inode.IsDirty) return;
        var status = await reporter.ReportAsync(inode, user, request.Cancellation);
        if (!status.IsOk) Log.ReportFailed(context.Log, inode.Id, status);
    }

    private FuseOpenOut Register(InodeAttr attr, long asked, SessionId? session, MetaContext user, uint flags,
        bool created)
    {
        var state = context.Inodes.Opened(attr, asked, session is not null);
        var appends = session is not null && (flags & LibC.O_APPEND) != 0;
        var direct = appends || (flags & LibC.O_DIRECT) != 0;
        var file = new OpenFile(state, state.Content(context.Contents, created), session, user, context.Now, appends,
            direct, (int)flags & LibC.O_ACCMODE);

        // Appends bypass the page cache: the kernel would put them where it believes the end to be.
        var reply = FuseOpenReplyFlags.None;
        if (direct) reply = FuseOpenReplyFlags.DirectIo | FuseOpenReplyFlags.ParallelDirectWrites;
        else if (state.MayKeepCache()) reply = FuseOpenReplyFlags.KeepCache;
        return new FuseOpenOut { Handle = context.Files.Add(file), Flags = reply };
    }

    /// <summary>Unless it certainly did not happen, the session may be registered.</summary>
    private Errno OpenFailed(FuseRequest request, Status status, SessionId? session)
    {
        if (session is { } registered && (status.Code.IsRetryableMeta() || status.Code == StatusCode.Cancelled))
            ender.End(registered);
        return status.Code is StatusCode.NotFound or StatusCode.StaleHandle && request.Opcode == FuseOpcode.Open
            ? Stale(request)
            : context.Fail(request, status);
    }

    /// <summary>
    /// The inode has no name: the one that the kernel remembered leads elsewhere by now, and it looks it up again.
    /// </summary>
    private Errno Stale(FuseRequest request)
    {
        context.StaleOpens.Refused(request.Header.Pid, request.Node);
        return Errno.ESTALE;
    }
}
