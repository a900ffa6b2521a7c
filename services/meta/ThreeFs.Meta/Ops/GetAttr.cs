using System.Collections.Immutable;
using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Meta.Transactions;

namespace ThreeFs.Meta.Ops;

/// <summary>stat(2) of an inode; needs no permission, and sees files without a name while they are kept.</summary>
internal sealed class GetAttr(InodeId inode) : IQuery<InodeAttr>
{
    public ValueTask<Result<InodeAttr>> RunAsync(MetaTransaction tx) => tx.AttrAsync(inode);
}

/// <summary>The same for many, all of one snapshot; a missing one fails alone.</summary>
internal sealed class BatchGetAttr(ImmutableArray<InodeId> inodes) : IQuery<ImmutableArray<Result<InodeAttr>>>
{
    public const int MaxInodes = 4096;

    public async ValueTask<Result<ImmutableArray<Result<InodeAttr>>>> RunAsync(MetaTransaction tx)
    {
        if (inodes.Length > MaxInodes)
            return new Status(StatusCode.InvalidArgument, $"at most {MaxInodes} inodes can be asked for at once, not {inodes.Length}");
        var results = ImmutableArray.CreateBuilder<Result<InodeAttr>>(inodes.Length);
        foreach (var inode in inodes)
        {
            var attr = await tx.AttrAsync(inode);
            if (attr.Code.IsRetryableTransaction()) return attr.Status;
            results.Add(attr);
        }

        return results.MoveToImmutable();
    }
}
