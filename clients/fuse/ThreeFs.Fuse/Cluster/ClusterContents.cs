using System.Runtime.CompilerServices;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Base.Tasks;
using ThreeFs.Client.Files;
using ThreeFs.Contracts.Meta;

namespace ThreeFs.Fuse.Cluster;

/// <summary>
/// Contents on the storage servers. Where a file's chunks are is found out with the first operation and not at open,
/// because routing may not show its chain table yet, and that operation can wait.
/// </summary>
internal sealed class ClusterContents(FileContents contents) : IContentSource
{
    public IFileContent Open(InodeAttr attr, bool created) => new Content(contents, attr, created);

    public ValueTask<Status> FlushAllAsync(CancellationToken ct) => contents.FlushAllAsync(ct);

    private sealed class Content(FileContents contents, InodeAttr attr, bool created) : IFileContent
    {
        private readonly Lock _lock = new();
        private volatile FileContent? _file;

        [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
        public async ValueTask<StatusCode> ReadAsync(long offset, IoMemory destination, CancellationToken ct)
        {
            var file = _file;
            if (file is null)
            {
                var opened = await OpenAsync(ct);
                if (!opened.TryGet(out file)) return opened.Code;
            }

            // A short answer is what came before a failure; the failure itself comes when the rest is asked for.
            var done = 0;
            while (done < destination.Length)
            {
                var read = await file.ReadAsync(offset + done, destination.Slice(done), offset + destination.Length,
                    ct);
                if (!read.IsOk) return read.Code;
                done += read.Value;
            }

            return StatusCode.Ok;
        }

        [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
        public async ValueTask<StatusCode> WriteAsync(long offset, IoMemory source, CancellationToken ct)
        {
            var file = _file;
            if (file is null)
            {
                var opened = await OpenAsync(ct);
                if (!opened.TryGet(out file)) return opened.Code;
            }

            var done = 0;
            while (done < source.Length)
            {
                var written = await file.WriteAsync(offset + done, source.Slice(done), ct);
                if (!written.IsOk) return written.Code;
                done += written.Value;
            }

            return StatusCode.Ok;
        }

        public async ValueTask<Status> ClearAsync(long offset, long length, IoMemory zeros, CancellationToken ct)
        {
            var opened = _file is { } file ? file : await OpenAsync(ct);
            return opened.TryGet(out var content)
                ? await content.ClearAsync(offset, length, zeros, ct)
                : opened.Status;
        }

        public async ValueTask<Status> FlushAsync(CancellationToken ct)
        {
            var opened = _file is { } file ? file : await OpenAsync(ct);
            return opened.TryGet(out var content) ? await content.FlushAsync(ct) : opened.Status;
        }

        public void Truncated(InodeAttr after) => _file?.Truncated(after);

        public async ValueTask<Result<FileContent>> OpenAsync(CancellationToken ct)
        {
            if (_file is { } known) return known;
            var opened = await contents.OpenAsync(attr, created, ct);
            if (!opened.TryGet(out var made)) return opened;

            // The first one wins: what it remembers of writes must not be lost.
            lock (_lock) return _file ??= made;
        }
    }
}
