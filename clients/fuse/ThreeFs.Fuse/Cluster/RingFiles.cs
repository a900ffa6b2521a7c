using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Client.Files;
using ThreeFs.Client.Storage;
using ThreeFs.Contracts.Storage;
using ThreeFs.Fuse.Protocol;
using ThreeFs.Fuse.Rings;
using ThreeFs.Fuse.Tables;
using ThreeFs.UsrbIo;

namespace ThreeFs.Fuse.Cluster;

/// <summary>Reads and writes of rings, on files that are open on the mount.</summary>
internal sealed class RingFiles(ClusterContext context, StorageClient storage) : IRingFiles
{
    public IRingFile? Find(ulong inode, uint uid, bool forRead)
    {
        var id = InodeTable.IdOf(inode);
        foreach (var (handle, file) in context.Files.All())
        {
            if (file.Inode.Id == id && file.User.User.Uid == uid && file.MayUse(forRead)) return new OpenRingFile(context, handle, file);
        }

        return null;
    }

    public IRingReads NewReads(RingFlags flags) => new ReadJob(context, new FileReadBatch(storage), flags);

    private static long Failure(StatusCode code) => -(long)ErrnoMap.Of(code);

    private sealed class OpenRingFile(ClusterContext context, ulong handle, OpenFile file) : IRingFile
    {
        public OpenFile File => file;

        public bool IsOpen => ReferenceEquals(context.Files.Find(handle), file);

        public async ValueTask<long> WriteAsync(ulong offset, IoMemory source)
        {
            if (offset > (ulong)(long.MaxValue - source.Length)) return -(long)Errno.EFBIG;
            var under = file.Inode.TruncateVersion;
            var code = await file.Content.WriteAsync((long)offset, source, CancellationToken.None);
            file.Inode.WrittenBesideKernel(); // a failed write may have stored something too
            if (code != StatusCode.Ok)
            {
                file.Inode.WriteFailed(context.Clock, file.User);
                return Failure(code);
            }

            file.Inode.Written((long)offset + source.Length, under, context.Clock, file.User);
            Metrics.WrittenBytes.Inc(source.Length);
            return source.Length;
        }
    }

    private sealed class ReadJob(ClusterContext context, FileReadBatch batch, RingFlags flags) : IRingReads
    {
        private readonly List<Read> _reads = [];

        public void Add(IRingFile file, ulong offset, IoMemory destination) =>
            _reads.Add(new Read(((OpenRingFile)file).File, (long)offset, destination, -1, 0));

        public async ValueTask RunAsync()
        {
            for (var i = 0; i < _reads.Count; i++) _reads[i] = await PrepareAsync(_reads[i]);
            var readFlags = flags.HasFlag(RingFlags.AllowReadUncommitted) ? ReadFlags.AllowUncommitted : ReadFlags.None;
            await batch.RunAsync(readFlags, CancellationToken.None);
        }

        public long ResultOf(int index)
        {
            var read = _reads[index];
            if (read.BatchIndex < 0) return read.Result;
            var code = batch.ResultOf(read.BatchIndex, out var metHole);
            if (code != StatusCode.Ok) return Failure(code);
            return metHole && flags.HasFlag(RingFlags.ForbidReadHoles) ? -(long)Errno.ENODATA : read.Result;
        }

        public void Clear()
        {
            batch.Clear();
            _reads.Clear();
        }

        /// <summary>Cut at the file's end, which is asked for when what is known of it is old.</summary>
        private async ValueTask<Read> PrepareAsync(Read read)
        {
            var inode = read.File.Inode;
            if (read.Offset + read.Destination.Length > inode.Length && !inode.IsFresh(context.Options.AttrTimeout))
            {
                var asked = context.Now;
                var found = await context.Meta.GetAttrAsync(context.Again(read.File.User), inode.Id, CancellationToken.None);
                if (!found.TryGet(out var attr)) return read with { Result = Failure(found.Code) };
                inode.Merge(attr, asked);
            }

            var length = (int)Math.Min(read.Destination.Length, inode.Length - read.Offset);
            if (length <= 0) return read;
            var opened = await read.File.Content.OpenAsync(CancellationToken.None);
            if (!opened.TryGet(out var content)) return read with { Result = Failure(opened.Code) };
            read = read with { BatchIndex = batch.Count, Result = length };
            batch.Add(content, read.Offset, read.Destination.Slice(0, length));
            return read;
        }

        /// <param name="BatchIndex">-1: nothing to read.</param>
        /// <param name="Result">Bytes, or a negative error number.</param>
        private readonly record struct Read(OpenFile File, long Offset, IoMemory Destination, int BatchIndex, long Result);
    }
}
