using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Meta.Posix;
using ThreeFs.Meta.Records;
using ThreeFs.Meta.Transactions;

namespace ThreeFs.Meta.Ops;

/// <summary>
/// What sync and close do with a client's knowledge of a file.
/// <list type="bullet">
/// <item><b>Length</b> only grows here: it becomes the larger of the record and what is known. Known is the hint when it was made under the
/// current truncate version; otherwise, or when asked for, storage is. As only truncation shrinks a file, and raises the version,
/// the maximum is right for any number of writers in any order.</item>
/// <item><b>Modify time</b> becomes the time of the write, unless it was set by hand after it; among writes the latest counts. Nothing else
/// that happens to the inode between a write and its report (a rename, a change of mode) has a say. No time is later than this
/// server's clock.</item>
/// <item><b>Change time</b> and <b>data version</b> always advance when something may have been written, whatever became of the modify time:
/// who remembers either sees that the bytes may be others.</item>
/// <item>A write by others than root takes <b>set-user-id</b> away, as every write does; a client reports what it wrote before it sets a
/// mode.</item>
/// <item><b>Access time</b> moves forward only.</item>
/// </list>
/// Idempotent by nature, so nothing is remembered for repeated requests.
/// </summary>
internal sealed class LengthReport(TransactionRunner runner, IFileChunks chunks)
{
    private const int MaxRounds = 16;

    /// <param name="ended">A session to end in the same step.</param>
    public async ValueTask<Result<InodeAttr>> RunAsync(
        MetaContext context, InodeId inode, LengthHint hint, SessionId? ended, CancellationToken ct)
    {
        Measured? measured = null;
        for (var round = 0; round < MaxRounds; round++)
        {
            InodeAttr? ask = null;
            var result = await runner.MaintainAsync<InodeAttr>(context, async tx =>
            {
                var found = await tx.InodeAsync(inode);
                if (!found.TryGet(out var record)) return found;
                if (MustAskStorage(record, hint) && measured?.Under != record.TruncateVersion)
                {
                    ask = record;
                    return StatusCode.MoreToDo;
                }

                var known = MustAskStorage(record, hint) ? measured!.Value.Length : hint.WrittenEnd;
                var updated = Apply(context.User, record, hint, known, tx.Now);
                if (updated != record) tx.PutInode(updated);
                if (ended is { } session) tx.RemoveSession(inode, session);
                return await tx.CompleteAsync(updated);
            }, ct);
            if (result.Code != StatusCode.MoreToDo || ask is null) return result;
            var length = await chunks.QueryLengthAsync(inode, ask.Layout!, ct);
            if (!length.IsOk) return length.Status;
            measured = new Measured(ask.TruncateVersion, length.Value);
        }

        return new Status(StatusCode.Busy, "the file is being truncated by others all the time");
    }

    /// <summary>Ends a session that nobody reports for any more: what was written under it is measured.</summary>
    public async ValueTask<Status> EndAsync(
        MetaContext context, InodeId inode, SessionId session, bool canWrite, CancellationToken ct)
    {
        var ended = await RunAsync(context, inode, LengthHint.Nothing with { Exact = canWrite }, session, ct);
        if (ended.Code != StatusCode.NotFound) return ended.Status;
        var dropped = await runner.MaintainAsync<bool>(context, tx =>
        {
            tx.RemoveSession(inode, session);
            return new(true);
        }, ct);
        return dropped.Status;
    }

    private static bool MustAskStorage(InodeAttr inode, LengthHint hint) =>
        inode.Type == InodeType.File && inode.Layout is not null
        && (hint.Exact || (hint.WrittenEnd >= 0 && hint.TruncateVersion != inode.TruncateVersion));

    /// <summary>The record after writes that end at <paramref name="known"/>.</summary>
    internal static InodeAttr Apply(UserInfo user, InodeAttr inode, LengthHint hint, long known, FileTime now)
    {
        var grew = inode.Type == InodeType.File && known > inode.Length;
        var wrote = hint.WrittenEnd >= 0 || hint.ModifyTime is not null || grew;
        if (grew) inode = inode with { Length = known };
        if (hint.AccessTime is { } read && read.CompareTo(inode.AccessTime) > 0) inode = inode with { AccessTime = read };

        // Storage is asked when writes may have happened that nobody can tell of, in place too.
        if (wrote || hint.Exact) inode = inode with { DataVersion = inode.DataVersion + 1 };
        if (!wrote) return inode;
        var written = hint.ModifyTime is { } at && at.CompareTo(now) < 0 ? at : now;
        var clears = hint.ModifyTime is not null && hint.WrittenEnd >= 0 && !user.IsRoot;
        inode = inode with
        {
            ChangeTime = Advanced(inode.ChangeTime, written, now),
            Mode = clears ? Permissions.WithoutPrivileges(inode.Mode) : inode.Mode,
        };
        return TakesModifyTime(inode, written) ? inode with { ModifyTime = written, ModifyTimeSetAt = default } : inode;
    }

    private static bool TakesModifyTime(InodeAttr inode, FileTime written) => inode.ModifyTimeSetAt == default
        ? written.CompareTo(inode.ModifyTime) > 0
        : written.CompareTo(inode.ModifyTimeSetAt) > 0;

    /// <summary>The time of the write if nothing happened since; otherwise now, and later than before in any case.</summary>
    private static FileTime Advanced(FileTime before, FileTime written, FileTime now)
    {
        if (written.CompareTo(before) > 0) return written;
        return now.CompareTo(before) > 0 ? now : new FileTime(before.Nanoseconds + 1);
    }

    private readonly record struct Measured(TruncateVersion Under, long Length);
}
