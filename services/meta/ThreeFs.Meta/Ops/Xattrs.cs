using System.Collections.Immutable;
using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Meta.Posix;
using ThreeFs.Meta.Records;
using ThreeFs.Meta.Transactions;

namespace ThreeFs.Meta.Ops;

/// <summary>An attribute's value.</summary>
internal sealed class GetXattr(InodeId inode, FileName name) : IQuery<ReadOnlyMemory<byte>>
{
    public async ValueTask<Result<ReadOnlyMemory<byte>>> RunAsync(MetaTransaction tx)
    {
        var found = await tx.InodeAsync(inode);
        if (!found.TryGet(out var record)) return found.Status;
        var status = XattrRules.CheckRead(tx.User, record, name);
        if (!status.IsOk) return status;
        var value = await tx.Kv.GetAsync(MetaKeys.Xattr(inode, name));
        if (!value.IsOk) return value.Status;
        return value.Value.Exists ? XattrRecord.Decode(inode, value.Value.Memory) : StatusCode.NoSuchAttribute;
    }
}

/// <summary>The names that the user may see, in byte order.</summary>
internal sealed class ListXattr(InodeId inode) : IQuery<ImmutableArray<FileName>>
{
    public async ValueTask<Result<ImmutableArray<FileName>>> RunAsync(MetaTransaction tx)
    {
        var found = await tx.InodeAsync(inode);
        if (!found.IsOk) return found.Status;
        var names = await XattrNames.ReadAsync(tx, inode);
        return names.IsOk ? names.Value.Where(n => XattrRules.IsListed(tx.User, n)).ToImmutableArray() : names.Status;
    }
}

/// <summary>Creates or replaces an attribute, or only one of the two.</summary>
internal sealed class SetXattr(InodeId inode, FileName name, ReadOnlyMemory<byte> value, int mode) : IMutation
{
    private const int CreateOnly = 1;
    private const int ReplaceOnly = 2;

    public async ValueTask<Result<Outcome>> RunAsync(MetaTransaction tx)
    {
        if (mode is < 0 or > ReplaceOnly) return new Status(StatusCode.InvalidArgument, $"{mode} is not a way to set an attribute");
        var found = await tx.InodeAsync(inode);
        if (!found.TryGet(out var record)) return found.Status;
        var status = XattrRules.CheckWrite(tx.User, record, name);
        if (!status.IsOk) return status;
        if (value.Length > PosixLimits.MaxXattrValue)
            return new Status(StatusCode.InvalidArgument, $"an attribute's value has at most {PosixLimits.MaxXattrValue} bytes");
        var old = await tx.Kv.GetAsync(MetaKeys.Xattr(inode, name));
        if (!old.IsOk) return old.Status;
        if (old.Value.Exists && mode == CreateOnly) return StatusCode.AlreadyExists;
        if (!old.Value.Exists && mode == ReplaceOnly) return StatusCode.NoSuchAttribute;
        if (!old.Value.Exists)
        {
            var names = await XattrNames.ReadAsync(tx, inode);
            if (!names.IsOk) return names.Status;
            if (names.Value.Sum(n => n.Bytes.Length + 1) + name.Bytes.Length + 1 > PosixLimits.MaxXattrNames)
                return new Status(StatusCode.NoSpace, $"the names of an inode's attributes have at most {PosixLimits.MaxXattrNames} bytes");
        }

        tx.Writer.Set(MetaKeys.Xattr(inode, name), XattrRecord.Encode(value.Span));
        tx.PutInode(record with { ChangeTime = tx.Now });
        return Outcome.Nothing;
    }
}

internal sealed class RemoveXattr(InodeId inode, FileName name) : IMutation
{
    public async ValueTask<Result<Outcome>> RunAsync(MetaTransaction tx)
    {
        var found = await tx.InodeAsync(inode);
        if (!found.TryGet(out var record)) return found.Status;
        var status = XattrRules.CheckWrite(tx.User, record, name);
        if (!status.IsOk) return status;
        var old = await tx.Kv.GetAsync(MetaKeys.Xattr(inode, name));
        if (!old.IsOk) return old.Status;
        if (!old.Value.Exists) return StatusCode.NoSuchAttribute;
        tx.Writer.Clear(MetaKeys.Xattr(inode, name));
        tx.PutInode(record with { ChangeTime = tx.Now });
        return Outcome.Nothing;
    }
}

internal static class XattrNames
{
    public static async ValueTask<Result<List<FileName>>> ReadAsync(MetaTransaction tx, InodeId inode)
    {
        var names = new List<FileName>();
        var range = MetaKeys.Xattrs(inode);
        for (var begin = range.Begin; begin.Length != 0;)
        {
            var page = await tx.Kv.GetRangeAsync(begin, range.End);
            if (!page.TryGet(out var rows)) return page.Status;
            names.AddRange(rows.Rows.Select(r => MetaKeys.NameOf(r.Key)));
            begin = rows.More ? rows.Continuation : [];
        }

        return names;
    }
}
