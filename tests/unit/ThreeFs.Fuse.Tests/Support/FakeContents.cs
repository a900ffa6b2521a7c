using System.Collections.Concurrent;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Client.Files;
using ThreeFs.Contracts.Meta;
using ThreeFs.Fuse.Cluster;
using ThreeFs.Fuse.Tests.Memory;

namespace ThreeFs.Fuse.Tests.Support;

/// <summary>
/// The storage servers in this process: contents for the mount and whole-file operations for the metadata service, on
/// the same bytes.
/// </summary>
internal sealed class FakeContents : IContentSource, IFileChunks
{
    private readonly ConcurrentDictionary<InodeId, MemoryContent> _files = new();

    /// <summary>Runs before each read and write; its code is the answer unless it is Ok.</summary>
    public Func<InodeId, CancellationToken, ValueTask<StatusCode>>? Before { get; set; }

    /// <summary>Runs after each truncation, before whoever asked for it is told.</summary>
    public Func<Task>? AfterTruncation { get; set; }

    public int Flushes { get; private set; }

    /// <summary>How often a content was told that its length was set.</summary>
    public int Truncations { get; private set; }

    public IEnumerable<InodeId> Files => _files.Keys;

    /// <summary>Bytes that arrive without the mount.</summary>
    public void Put(InodeId inode, byte[] bytes) => Of(inode).Write(0, bytes);

    public IFileContent Open(InodeAttr attr, bool created) => new Content(this, attr.Id);

    public ValueTask<Status> FlushAllAsync(CancellationToken ct)
    {
        Flushes++;
        return new(Status.Ok);
    }

    public ValueTask<Result<long>> QueryLengthAsync(InodeId inode, Layout layout, CancellationToken ct) =>
        new(Of(inode).Length);

    public async ValueTask<Status> TruncateAsync(
        InodeId inode, Layout layout, long length, CutOrder order, CancellationToken ct)
    {
        var file = Of(inode);
        if (file.Length > length) file.SetLength(length);
        if (AfterTruncation is { } wait) await wait();
        return Status.Ok;
    }

    public ValueTask<Status> RemoveAsync(InodeId inode, Layout layout, CancellationToken ct)
    {
        _files.TryRemove(inode, out _);
        return new(Status.Ok);
    }

    public ValueTask<Result<FileSystemSpace>> SpaceAsync(CancellationToken ct) =>
        new(new FileSystemSpace(1L << 40, 1L << 39, 1L << 39, 0));

    private MemoryContent Of(InodeId inode) => _files.GetOrAdd(inode, _ => new MemoryContent());

    private sealed class Content(FakeContents owner, InodeId inode) : IFileContent
    {
        private readonly MemoryContent _file = owner.Of(inode);

        public ValueTask<StatusCode> ReadAsync(long offset, IoMemory destination, CancellationToken ct) =>
            owner.Before is null ? new(Read(offset, destination)) : ReadLaterAsync(offset, destination, ct);

        public ValueTask<StatusCode> WriteAsync(long offset, IoMemory source, CancellationToken ct) =>
            owner.Before is null ? new(Write(offset, source)) : WriteLaterAsync(offset, source, ct);

        public ValueTask<Status> ClearAsync(long offset, long length, IoMemory zeros, CancellationToken ct)
        {
            _file.Clear(offset, length);
            return new(Status.Ok);
        }

        public ValueTask<Result<FileContent>> OpenAsync(CancellationToken ct) =>
            new(new Status(StatusCode.NotSupported, "there are no storage servers here"));

        public ValueTask<Status> FlushAsync(CancellationToken ct)
        {
            owner.Flushes++;
            return new(Status.Ok);
        }

        public void Truncated(InodeAttr after) => owner.Truncations++;

        private async ValueTask<StatusCode> ReadLaterAsync(long offset, IoMemory destination, CancellationToken ct)
        {
            var code = await owner.Before!(inode, ct);
            return code == StatusCode.Ok ? Read(offset, destination) : code;
        }

        private async ValueTask<StatusCode> WriteLaterAsync(long offset, IoMemory source, CancellationToken ct)
        {
            var code = await owner.Before!(inode, ct);
            return code == StatusCode.Ok ? Write(offset, source) : code;
        }

        private StatusCode Read(long offset, IoMemory destination)
        {
            var read = _file.Read(offset, destination.Span);
            destination.Span[read..].Clear();
            return StatusCode.Ok;
        }

        private StatusCode Write(long offset, IoMemory source)
        {
            _file.Write(offset, source.Span);
            return StatusCode.Ok;
        }
    }
}
