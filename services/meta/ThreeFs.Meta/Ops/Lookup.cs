using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Meta.Posix;
using ThreeFs.Meta.Transactions;

namespace ThreeFs.Meta.Ops;

/// <summary>The inode behind a name. Needs search permission on the directory; "." and ".." are understood.</summary>
internal sealed class Lookup(InodeId parent, FileName name) : IQuery<InodeAttr>
{
    public async ValueTask<Result<InodeAttr>> RunAsync(MetaTransaction tx)
    {
        var directory = await tx.SearchableAsync(parent);
        if (!directory.TryGet(out var record)) return directory;
        if (name.IsDot) return await tx.CompleteAsync(record);
        if (name.IsDotDot) return await tx.AttrAsync(record.Parent);
        var status = Names.CheckLookup(name);
        if (!status.IsOk) return status;
        var dentry = await tx.DentryAsync(parent, name);
        if (!dentry.IsOk) return dentry.Status;
        return dentry.Value is { } entry ? await tx.AttrAsync(entry.Inode) : StatusCode.NotFound;
    }
}
