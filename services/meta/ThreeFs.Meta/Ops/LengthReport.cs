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
/// <item><b>Modify time</b> is taken when the write came after the last change of the inode: a report that arrives late does not undo
/// times set by hand meanwhile. A write takes set-user-id away, unless it was set again since.</item>
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

    private static bool MustAskStorage(InodeAttr inode, LengthHint hint) =>
        inode.Type == InodeType.File && inode.Layout is not null
        && (hint.Exact || (hint.WrittenEnd >= 0 && hint.TruncateVersion != inode.TruncateVersion));

    private static InodeAttr Apply(UserInfo user, InodeAttr inode, LengthHint hint, long known, FileTime now)
    {
        if (inode.Type == InodeType.File && known > inode.Length) inode = inode with { Length = known };
        if (hint.AccessTime is { } read && read.CompareTo(inode.AccessTime) > 0) inode = inode with { AccessTime = read };
        var written = hint.ModifyTime ?? (hint.WrittenEnd >= 0 ? now : default);
        if (written.CompareTo(inode.ChangeTime) <= 0) return inode;
        var clears = hint.ModifyTime is not null && hint.WrittenEnd >= 0 && !user.IsRoot;
        return inode with
        {
            ModifyTime = written,
            ChangeTime = written,
            Mode = clears ? Permissions.WithoutPrivileges(inode.Mode) : inode.Mode,
        };
    }

    private readonly record struct Measured(TruncateVersion Under, long Length);
}
