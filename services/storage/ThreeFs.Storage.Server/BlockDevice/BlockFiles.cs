using System.Runtime.CompilerServices;
using System.Text;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Base.Tasks;
using ThreeFs.Io;
using ThreeFs.Io.Files;
using ThreeFs.Storage.ChunkEngine.Device;

namespace ThreeFs.Storage.Server.BlockDevice;

/// <summary>
/// The blocks of a target as one sparse file a class in a directory, past the page cache, through the reactor that owns the target.
/// Where the file system cannot reserve space (no fallocate), files stay sparse and a write may find the disk full.
/// </summary>
internal sealed class BlockFiles : IBlockDevice
{
    private readonly BlockFile[] _files;
    private readonly string _directory;
    private long _capacity;
    private readonly Stack<List<(BlockFile File, long Covers, ValueTask<Status> Done)>> _idleFlushes = new();

    private BlockFiles(BlockFile[] files, string directory)
    {
        _files = files;
        _directory = directory;
    }

    /// <summary>Why the last operation failed, for the operator's log.</summary>
    public Status LastError { get; private set; }

    /// <summary>False when the file system has no O_DIRECT and the page cache is in between.</summary>
    public bool IsDirect => Array.TrueForAll(_files, f => f.File.IsDirect);

    /// <summary>Opens all files of a directory, creating what is missing. Blocks; meant for start-up.</summary>
    public static Result<BlockFiles> Open(Reactor reactor, string directory)
    {
        var files = new BlockFile[BlockClass.Count];
        for (var i = 0; i < files.Length; i++)
        {
            var opened = DirectFile.Open(reactor, Path.Combine(directory, NameOf(new BlockClass((byte)i))));
            if (!opened.TryGet(out var file))
            {
                foreach (var earlier in files.AsSpan(0, i)) earlier.File.Dispose();
                return opened.Status;
            }

            files[i] = new BlockFile(file);
        }

        return new BlockFiles(files, directory);
    }

    /// <summary>"blocks-64KiB" to "blocks-64MiB".</summary>
    public static string NameOf(BlockClass size) => $"blocks-{size}";

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    public async ValueTask<StatusCode> ReadAsync(BlockClass file, long offset, IoMemory destination)
    {
        var result = await _files[file.Value].File.ReadAsync(destination, offset);
        if (!result.TryGet(out var read)) return Fail(result.Status);
        if (read < destination.Length) destination.Span[read..].Clear(); // behind the file's end nothing was ever written
        return StatusCode.Ok;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    public async ValueTask<StatusCode> WriteAsync(BlockClass file, long offset, IoMemory source)
    {
        var target = _files[file.Value];
        var status = await target.File.WriteAsync(source, offset);
        target.Written++; // also after a failure: part of it may be there
        return status.IsOk ? StatusCode.Ok : Fail(status);
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    public async ValueTask<StatusCode> FlushAsync()
    {
        if (!_idleFlushes.TryPop(out var started)) started = [];
        foreach (var file in _files)
        {
            if (file.Written > file.Flushed) started.Add((file, file.Written, file.File.FdatasyncAsync()));
        }

        var result = StatusCode.Ok;
        foreach (var (file, covers, done) in started)
        {
            var status = await done;
            if (status.IsOk) file.Flushed = Math.Max(file.Flushed, covers);
            else result = Fail(status);
        }

        started.Clear();
        _idleFlushes.Push(started);
        return result;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    public async ValueTask<StatusCode> ReserveAsync(BlockClass file, long offset, long length)
    {
        var target = _files[file.Value];
        var status = await target.File.AllocateAsync(offset, length);
        target.Written++; // the reservation is metadata that a flush makes durable
        return status.Code switch
        {
            StatusCode.Ok or StatusCode.NotSupported => StatusCode.Ok,
            _ => Fail(status),
        };
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    public async ValueTask<StatusCode> ReleaseAsync(BlockClass file, long offset, long length)
    {
        var status = await _files[file.Value].File.PunchHoleAsync(offset, length);
        return status.IsOk ? StatusCode.Ok : Fail(status);
    }

    public DeviceSpace GetSpace()
    {
        var usage = DiskUsage.Of(_directory);
        if (usage.TryGet(out var space)) return new DeviceSpace(_capacity = space.CapacityBytes, space.FreeBytes);
        LastError = usage.Status;
        return new DeviceSpace(_capacity, 0);
    }

    public DeviceFile? FileOf(BlockClass file) => _files[file.Value].Place;

    public ValueTask DisposeAsync()
    {
        foreach (var file in _files) file.File.Dispose();
        return default;
    }

    private StatusCode Fail(Status status)
    {
        LastError = status;
        return status.Code == StatusCode.NoSpace ? StatusCode.NoSpace : StatusCode.IoError;
    }

    /// <summary>One class's file. <c>Flushed</c> follows <c>Written</c>; both count writes since the opening.</summary>
    private sealed class BlockFile(DirectFile file)
    {
        public DirectFile File { get; } = file;

        /// <summary>Null when the file has no name that others can use.</summary>
        public DeviceFile? Place { get; } = PlaceOf(file);

        /// <summary>1: an earlier run may have left writes that no flush covered.</summary>
        public long Written = 1;

        public long Flushed;

        private static DeviceFile? PlaceOf(DirectFile file) => file.GetIdentity().TryGet(out var identity)
            ? new DeviceFile(identity.Device, identity.Inode, Encoding.UTF8.GetBytes(Path.GetFullPath(file.Path)))
            : null;
    }
}
