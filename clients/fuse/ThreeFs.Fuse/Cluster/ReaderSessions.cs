using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Fuse.Tables;

namespace ThreeFs.Fuse.Cluster;

/// <summary>
/// Keeps the content of files alive that are open here for reading while their last name goes: one session for each
/// inode, registered when a file was open for a while or lost a name by this mount, ended when nothing has it open.
/// A file that is unlinked elsewhere earlier than that is still safe for the time the metadata service keeps garbage.
/// </summary>
internal sealed class ReaderSessions(ClusterContext context, SessionEnder ender)
{
    /// <summary>
    /// The session to hand to an unlink if the file is open here; the unlink registers it, see <see cref="Unlinked"/>.
    /// Unlinks know a name only, so this is what it led to when it was looked up.
    /// </summary>
    public async ValueTask<SessionId?> ForUnlinkAsync(MetaContext user, InodeId parent, FileName name,
        CancellationToken ct)
    {
        if (context.Files.Count == 0) return null;
        var found = await context.Meta.LookupAsync(user, parent, name, ct);
        if (!found.TryGet(out var attr) || context.Inodes.Find(attr.Id) is not { } inode) return null;
        return context.Inodes.OpenCounts(inode).Opens == 0 ? null : inode.KeepOpen.Registered ?? context.NewSession();
    }

    /// <summary>An unlink or a rename took a name away.</summary>
    /// <param name="session">Registered with it if it was the last name.</param>
    public async ValueTask Unlinked(InodeAttr after, SessionId? session, CancellationToken ct)
    {
        if (after.LinkCount != 0 || after.Type == InodeType.Directory) return;
        var inode = context.Inodes.Find(after.Id);
        if (inode is null || context.Inodes.OpenCounts(inode).Opens == 0)
        {
            if (session is { } unused) ender.End(unused);
            return;
        }

        await inode.KeepOpen.Lock.WaitAsync(ct);
        try
        {
            if (inode.KeepOpen.Registered is { } before)
            {
                if (session is { } second && second != before) ender.End(second);
                return;
            }

            inode.KeepOpen.Registered = session;
        }
        finally
        {
            inode.KeepOpen.Lock.Release();
        }

        if (session is null) await RegisterAsync(inode, ct);
    }

    /// <summary>Registers the inode's readers, unless that was done.</summary>
    public async ValueTask RegisterAsync(InodeState inode, CancellationToken ct)
    {
        await inode.KeepOpen.Lock.WaitAsync(ct);
        try
        {
            if (inode.KeepOpen.Registered is not null || context.Inodes.OpenCounts(inode).Opens == 0) return;
            var session = context.NewSession();
            var status = await context.Meta.KeepOpenAsync(context.Self(), inode.Id, session, ct);
            if (status.IsOk) inode.KeepOpen.Registered = session;
            else if (status.Code.IsRetryableMeta() || status.Code == StatusCode.Cancelled) ender.End(session);
        }
        finally
        {
            inode.KeepOpen.Lock.Release();
        }
    }

    /// <summary>The last open file of the inode was closed.</summary>
    public async ValueTask Closed(InodeState inode)
    {
        await inode.KeepOpen.Lock.WaitAsync();
        try
        {
            if (context.Inodes.OpenCounts(inode).Opens > 0 || inode.KeepOpen.Registered is not { } session) return;
            inode.KeepOpen.Registered = null;
            ender.End(session);
        }
        finally
        {
            inode.KeepOpen.Lock.Release();
        }
    }
}
