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
    /// A new session to hand to an unlink if the file is open here and not registered; every outcome of the unlink has to
    /// be told, by <see cref="Unlinked"/> or <see cref="NotUnlinked"/>. Unlinks know a name only, so this is what it led
    /// to when it was looked up.
    /// </summary>
    public async ValueTask<(InodeState Inode, SessionId Session)?> ForUnlinkAsync(
        MetaContext user, InodeId parent, FileName name, CancellationToken ct)
    {
        if (context.Files.Count == 0) return null;
        var found = await context.Meta.LookupAsync(user, parent, name, ct);
        if (!found.TryGet(out var attr) || context.Inodes.Find(attr.Id) is not { } inode) return null;
        return context.Inodes.OpenCounts(inode).Opens == 0 || inode.KeepOpen.Registered is not null
            ? null
            : (inode, context.NewSession());
    }

    /// <summary>An unlink or a rename took a name away.</summary>
    /// <param name="session">Registered with it, for the inode that had the name in the end.</param>
    public async ValueTask Unlinked(InodeAttr after, SessionId? session)
    {
        var inode = context.Inodes.Find(after.Id);
        if (session is { } registered) await AdoptAsync(inode, registered);
        else if (inode is not null && after is { LinkCount: 0, Type: not InodeType.Directory })
            await RegisterAsync(inode, CancellationToken.None);
    }

    /// <summary>
    /// An unlink failed. Unless it certainly did not happen, the session is registered.
    /// </summary>
    public ValueTask NotUnlinked(Status status, InodeState inode, SessionId session) =>
        status.Code.IsRetryableMeta() || status.Code == StatusCode.Cancelled ? AdoptAsync(inode, session) : default;

    /// <summary>A session that is registered lives until the last open file is closed; one not needed ends now.</summary>
    private async ValueTask AdoptAsync(InodeState? inode, SessionId session)
    {
        if (inode is null)
        {
            ender.End(session);
            return;
        }

        await inode.KeepOpen.Lock.WaitAsync();
        try
        {
            // Inside the lock: whoever closes the last file afterwards finds the session.
            var isNeeded = inode.KeepOpen.Registered is null && context.Inodes.OpenCounts(inode).Opens > 0;
            if (isNeeded) inode.KeepOpen.Registered = session;
            else ender.End(session);
        }
        finally
        {
            inode.KeepOpen.Lock.Release();
        }
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
