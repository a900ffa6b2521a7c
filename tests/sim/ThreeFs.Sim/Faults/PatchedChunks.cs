using ThreeFs.Base;
using ThreeFs.Contracts.Meta;

namespace ThreeFs.Sim.Faults;

/// <summary>Storage as the metadata service sees it, with some operations replaced.</summary>
internal sealed class PatchedChunks(IFileChunks inner) : IFileChunks
{
    public Func<InodeId, ValueTask<Status>>? Remove { get; init; }

    public Func<ValueTask<Status>>? Truncate { get; init; }

    public ValueTask<Result<long>> QueryLengthAsync(InodeId inode, Layout layout, CancellationToken ct) =>
        inner.QueryLengthAsync(inode, layout, ct);

    public ValueTask<Status> TruncateAsync(InodeId inode, Layout layout, long length, CutOrder order, CancellationToken ct) =>
        Truncate?.Invoke() ?? inner.TruncateAsync(inode, layout, length, order, ct);

    public ValueTask<Status> RemoveAsync(InodeId inode, Layout layout, CancellationToken ct) =>
        Remove?.Invoke(inode) ?? inner.RemoveAsync(inode, layout, ct);

    public ValueTask<Result<FileSystemSpace>> SpaceAsync(CancellationToken ct) => inner.SpaceAsync(ct);
}
