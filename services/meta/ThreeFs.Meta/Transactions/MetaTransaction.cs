using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Kv;
using ThreeFs.Meta.Locks;
using ThreeFs.Meta.Posix;
using ThreeFs.Meta.Records;

namespace ThreeFs.Meta.Transactions;

/// <summary>
/// One attempt of an operation: the records it reads and writes, who asks, and one "now" for all times it sets. Reads of inodes,
/// entries and sessions are part of what the transaction conflicts on; counters of directories are read as a snapshot, because
/// operations only report them. The writing half may only be used inside <see cref="TransactionRunner.WriteAsync"/>.
/// </summary>
internal sealed class MetaTransaction(IKvReadTransaction reader, IKvTransaction? writer, MetaContext context, FileTime now)
{
    public UserInfo User => context.User;
    public ClientId Client => context.Client;
    public FileTime Now { get; } = now;
    public IKvReadTransaction Kv => reader;
    public IKvTransaction Writer => writer ?? throw Invariant.Unreachable("a read-only operation writes");

    // Reading.

    /// <summary>The inode's record as it is stored: of a directory, without its counters.</summary>
    public async ValueTask<Result<InodeAttr>> InodeAsync(InodeId id)
    {
        var value = await reader.GetAsync(MetaKeys.Inode(id));
        if (!value.TryGet(out var bytes)) return value.Status;
        return bytes.Exists ? InodeRecord.Decode(id, bytes.Span) : new Status(StatusCode.NotFound, $"inode {id} does not exist");
    }

    /// <summary>The record of a directory that the user may search.</summary>
    public async ValueTask<Result<InodeAttr>> SearchableAsync(InodeId id)
    {
        var inode = await InodeAsync(id);
        if (!inode.TryGet(out var directory)) return inode;
        if (directory.Type != InodeType.Directory) return new Status(StatusCode.NotDirectory, $"inode {id} is not a directory");
        var status = Permissions.Check(User, directory, AccessMode.Execute);
        return status.IsOk ? inode : status;
    }

    /// <summary>The entry, or null when there is none.</summary>
    public async ValueTask<Result<DentryRecord?>> DentryAsync(InodeId parent, FileName name)
    {
        var value = await reader.GetAsync(MetaKeys.Dentry(parent, name));
        if (!value.TryGet(out var bytes)) return value.Status;
        if (!bytes.Exists) return (DentryRecord?)null;
        var record = DentryRecord.Decode(parent, bytes.Span);
        return record.TryGet(out var dentry) ? dentry : record.Status;
    }

    /// <summary>The inode as callers see it: directories with their counters, without internal flags.</summary>
    public async ValueTask<Result<InodeAttr>> CompleteAsync(InodeAttr record)
    {
        if (record.Type == InodeType.Directory)
        {
            var changing = reader.GetAsync(MetaKeys.EntryChangeTime(record.Id), snapshot: true);
            var subdirectories = await reader.GetAsync(MetaKeys.Subdirectories(record.Id), snapshot: true);
            var changed = await changing;
            if (!changed.IsOk) return changed.Status;
            if (!subdirectories.IsOk) return subdirectories.Status;
            record = DirectoryCounters.Apply(record, changed.Value, subdirectories.Value);
        }

        return InodeRecord.Public(record);
    }

    /// <summary>The existing inode as callers see it.</summary>
    public async ValueTask<Result<InodeAttr>> AttrAsync(InodeId id)
    {
        var inode = await InodeAsync(id);
        return inode.TryGet(out var record) ? await CompleteAsync(record) : inode;
    }

    public ValueTask<Result<bool>> HasEntriesAsync(InodeId directory) => AnyAsync(MetaKeys.Dentries(directory));

    public ValueTask<Result<bool>> HasSessionsAsync(InodeId inode) => AnyAsync(MetaKeys.Sessions(inode));

    /// <summary>Whether this client has the file open for writing.</summary>
    public async ValueTask<Result<bool>> ClientWritesAsync(InodeId inode)
    {
        var sessions = await SessionsAsync(inode);
        return sessions.TryGet(out var open) ? open.Any(s => s.CanWrite && s.Client == Client) : sessions.Status;
    }

    /// <summary>Whether another client may write to the file at places that the metadata service does not know.</summary>
    public async ValueTask<Result<bool>> OthersWriteAnywhereAsync(InodeId inode)
    {
        var sessions = await SessionsAsync(inode);
        if (!sessions.TryGet(out var open)) return sessions.Status;
        return open.Any(s => s is { CanWrite: true, OnlyAppends: false } && s.Client != Client);
    }

    public async ValueTask<Result<LockSet>> LocksAsync(InodeId inode, LockKind kind)
    {
        var value = await reader.GetAsync(MetaKeys.Locks(inode, kind));
        if (!value.TryGet(out var bytes)) return value.Status;
        return bytes.Exists ? LockRecord.Decode(inode, bytes.Span) : LockSet.Empty;
    }

    private async ValueTask<Result<List<SessionRecord>>> SessionsAsync(InodeId inode)
    {
        var range = MetaKeys.Sessions(inode);
        var page = await reader.GetRangeAsync(range.Begin, range.End, snapshot: true);
        if (!page.TryGet(out var rows)) return page.Status;
        var sessions = new List<SessionRecord>(rows.Rows.Count);
        foreach (var row in rows.Rows)
        {
            var session = SessionRecord.Decode(inode, row.Value);
            if (!session.IsOk) return session.Status;
            sessions.Add(session.Value);
        }

        return sessions;
    }

    private async ValueTask<Result<bool>> AnyAsync(KvKeyRange range)
    {
        var page = await reader.GetRangeAsync(range.Begin, range.End, limit: 1);
        return page.TryGet(out var rows) ? rows.Rows.Count != 0 : page.Status;
    }

    // Writing.

    public void PutInode(InodeAttr inode) => Writer.Set(MetaKeys.Inode(inode.Id), InodeRecord.Encode(inode));

    public void CreateInode(InodeAttr inode)
    {
        PutInode(inode);
        Writer.AtomicAdd(MetaKeys.InodeCount, 1);
    }

    /// <summary>The record and everything that hangs on it, except entries and chunks.</summary>
    public void DeleteInode(InodeAttr inode)
    {
        Writer.Clear(MetaKeys.Inode(inode.Id));
        Clear(MetaKeys.Xattrs(inode.Id));
        if (inode.Type != InodeType.Directory) Clear(MetaKeys.AllLocks(inode.Id));
        if (inode.Type == InodeType.Directory) Clear(MetaKeys.Counters(inode.Id));
        Writer.AtomicAdd(MetaKeys.InodeCount, -1);
    }

    public void PutDentry(InodeId parent, FileName name, InodeAttr inode) =>
        Writer.Set(MetaKeys.Dentry(parent, name), new DentryRecord(inode.Id, inode.Type).Encode());

    public void RemoveDentry(InodeId parent, FileName name) => Writer.Clear(MetaKeys.Dentry(parent, name));

    /// <summary>An entry of the directory was made or taken away: its times move to now, its link count by the subdirectories gained.</summary>
    public void EntryChanged(InodeId directory, int subdirectoriesGained = 0)
    {
        Writer.AtomicMax(MetaKeys.EntryChangeTime(directory), (ulong)Now.Nanoseconds);
        if (subdirectoriesGained != 0) Writer.AtomicAdd(MetaKeys.Subdirectories(directory), subdirectoriesGained);
    }

    public void ForgetEntryChange(InodeId directory) => Writer.Clear(MetaKeys.EntryChangeTime(directory));

    public void PutSession(InodeId inode, SessionId session, bool canWrite, bool onlyAppends = false) =>
        Writer.Set(MetaKeys.Session(inode, session), new SessionRecord(Client, Now, canWrite, onlyAppends).Encode());

    /// <summary>The session of an open for writing.</summary>
    public void PutSession(InodeId inode, SessionId session, OpenFlags flags) =>
        PutSession(inode, session, canWrite: true, onlyAppends: (flags & OpenFlags.Append) != 0);

    public void RemoveSession(InodeId inode, SessionId session) => Writer.Clear(MetaKeys.Session(inode, session));

    public void RemoveSessions(InodeId inode) => Clear(MetaKeys.Sessions(inode));

    public void PutLocks(InodeId inode, LockKind kind, LockSet locks)
    {
        var key = MetaKeys.Locks(inode, kind);
        if (locks.IsEmpty) Writer.Clear(key);
        else Writer.Set(key, LockRecord.Encode(locks));
    }

    public void PutGarbage(FileTime due, InodeId inode, GarbageKind kind) =>
        Writer.Set(MetaKeys.Garbage(due, inode), new GarbageRecord(kind).Encode());

    private void Clear(KvKeyRange range) => Writer.ClearRange(range.Begin, range.End);
}
