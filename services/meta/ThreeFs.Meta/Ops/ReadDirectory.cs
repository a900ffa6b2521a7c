using System.Collections.Immutable;
using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Kv;
using ThreeFs.Meta.Posix;
using ThreeFs.Meta.Records;
using ThreeFs.Meta.Transactions;

namespace ThreeFs.Meta.Ops;

/// <summary>One page of a directory in byte order of names, without "." and "..". Needs read permission.</summary>
internal sealed class ReadDirectory(InodeId directory, FileName? after, int limit, bool withAttr) : IQuery<DirPage>
{
    public const int MaxEntries = 4096;

    public async ValueTask<Result<DirPage>> RunAsync(MetaTransaction tx)
    {
        var found = await tx.InodeAsync(directory);
        if (!found.TryGet(out var record)) return found.Status;
        if (record.Type != InodeType.Directory) return StatusCode.NotDirectory;
        var status = Permissions.Check(tx.User, record, AccessMode.Read);
        if (!status.IsOk) return status;
        if (after is { IsTooLong: true }) return StatusCode.NameTooLong;
        var range = MetaKeys.Dentries(directory);
        var begin = after is { } name ? KvKeys.After(MetaKeys.Dentry(directory, name)) : range.Begin;
        var page = await tx.Kv.GetRangeAsync(begin, range.End, Math.Clamp(limit, 1, MaxEntries), snapshot: true);
        if (!page.TryGet(out var rows)) return page.Status;
        var entries = ImmutableArray.CreateBuilder<DirEntry>(rows.Rows.Count);
        foreach (var row in rows.Rows)
        {
            var entry = await EntryAsync(tx, row);
            if (!entry.IsOk) return entry.Status;
            entries.Add(entry.Value);
        }

        return new DirPage(entries.MoveToImmutable(), !rows.More);
    }

    /// <summary>A name whose inode is missing is listed without attributes rather than hiding all others.</summary>
    private async ValueTask<Result<DirEntry>> EntryAsync(MetaTransaction tx, KvRow row)
    {
        var decoded = DentryRecord.Decode(directory, row.Value);
        if (!decoded.TryGet(out var dentry)) return decoded.Status;
        InodeAttr? attr = null;
        if (withAttr)
        {
            var inode = await tx.AttrAsync(dentry.Inode);
            if (!inode.TryGet(out attr) && inode.Code != StatusCode.NotFound) return inode.Status;
        }

        return new DirEntry(MetaKeys.NameOf(row.Key), dentry.Inode, dentry.Type, attr);
    }
}
