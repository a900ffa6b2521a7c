using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Contracts.Meta;
using ThreeFs.Fuse.Protocol;
using ThreeFs.Fuse.Session;
using ThreeFs.Fuse.Tables;

namespace ThreeFs.Fuse.Cluster;

/// <summary>
/// A cluster as a file system for the kernel: names and attributes from the metadata service, content from the storage
/// servers.
/// </summary>
/// <remarks>
/// What applications may rely on: on one mount, POSIX. Between mounts, close-to-open: an open(2) sees everything that
/// was closed, synced, or renamed over its name before. Files held open see it when the kernel's memory of attributes
/// is over. Access times change only when they are set. Appends are atomic across mounts (<see cref="Appends"/>), and
/// locks hold between them (<see cref="LockOps"/>) unless configured to be local. A server's failure makes operations
/// wait, not fail; a waiting caller can be killed.
/// </remarks>
internal sealed class ClusterFileSystem : IFuseFileSystem, IAsyncDisposable
{
    private readonly ClusterContext _context;
    private readonly Housekeeping _housekeeping;
    private readonly AttributeOps _attributes;
    private readonly NameOps _names;
    private readonly FileOps _files;
    private readonly AllocationOps _allocation;
    private readonly DirectoryOps _directories;
    private readonly LockOps _locks;
    private readonly SessionEnder _ender;

    public ClusterFileSystem(ClusterContext context)
    {
        _context = context;
        _ender = new SessionEnder(context);
        var reporter = new LengthReporter(context);
        var readers = new ReaderSessions(context, _ender);
        _locks = new LockOps(context, reporter);
        _housekeeping = new Housekeeping(context, reporter, readers, _ender, _locks);
        _attributes = new AttributeOps(context, reporter);
        _names = new NameOps(context, readers);
        _files = new FileOps(context, reporter, readers, _ender, _locks);
        _allocation = new AllocationOps(context, reporter);
        Direct = new DirectOps(context, _names, _allocation);
        _directories = new DirectoryOps(context);
    }

    /// <summary>Operations that the kernel does not make itself.</summary>
    public DirectOps Direct { get; }

    /// <summary>Begins the background work.</summary>
    public void Start() => _housekeeping.Start();

    internal ValueTask<Status> SyncAllAsync(CancellationToken ct) => _files.SyncAllAsync(_context.Self(), ct);

    internal Task RunHousekeepingAsync(CancellationToken ct) => _housekeeping.RunOnceAsync(ct);

    /// <summary>After the mount is gone: ends what sessions it can.</summary>
    public async ValueTask DisposeAsync()
    {
        await _housekeeping.DisposeAsync();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(2), _context.Time);
        await _ender.RunOnceAsync(limit.Token);
    }

    public ValueTask<Errno> LookupAsync(FuseRequest request, FileName name) => _names.LookupAsync(request, name);

    public void Forget(ulong node, ulong count) => _context.Inodes.Forget(InodeTable.IdOf(node), count);

    public ValueTask<Errno> GetAttrAsync(FuseRequest request, FuseGetAttrIn arguments) =>
        _attributes.GetAttrAsync(request);

    public ValueTask<Errno> SetAttrAsync(FuseRequest request, FuseSetAttrIn arguments) =>
        _attributes.SetAttrAsync(request, arguments);

    public ValueTask<Errno> ReadLinkAsync(FuseRequest request) => _attributes.ReadLinkAsync(request);

    public ValueTask<Errno> MakeNodeAsync(FuseRequest request, FuseMkNodIn arguments, FileName name) =>
        _names.MakeNodeAsync(request, arguments, name);

    public ValueTask<Errno> MakeDirectoryAsync(FuseRequest request, FuseMkDirIn arguments, FileName name) =>
        _names.MakeDirectoryAsync(request, arguments, name);

    public ValueTask<Errno> UnlinkAsync(FuseRequest request, FileName name) => _names.UnlinkAsync(request, name);

    public ValueTask<Errno> RemoveDirectoryAsync(FuseRequest request, FileName name) =>
        _names.RemoveDirectoryAsync(request, name);

    public ValueTask<Errno> SymlinkAsync(FuseRequest request, FileName name, ReadOnlyMemory<byte> target) =>
        _names.SymlinkAsync(request, name, target);

    public ValueTask<Errno> RenameAsync(FuseRequest request, FileName name, ulong newParent, FileName newName,
        RenameFlags flags) =>
        _names.RenameAsync(request, name, newParent, newName, flags);

    public ValueTask<Errno> LinkAsync(FuseRequest request, ulong source, FileName newName) =>
        _names.LinkAsync(request, source, newName);

    public ValueTask<Errno> OpenAsync(FuseRequest request, FuseOpenIn arguments) =>
        _files.OpenAsync(request, arguments);

    public ValueTask<Errno> CreateAsync(FuseRequest request, FuseCreateIn arguments, FileName name) =>
        _files.CreateAsync(request, arguments, name);

    public ValueTask<Errno> ReadAsync(FuseRequest request, FuseReadIn arguments) =>
        _files.ReadAsync(request, arguments);

    public ValueTask<Errno> WriteAsync(FuseRequest request, FuseWriteIn arguments, IoMemory data) =>
        _files.WriteAsync(request, arguments, data);

    public ValueTask<Errno> FlushAsync(FuseRequest request, FuseFlushIn arguments) =>
        _files.FlushAsync(request, arguments);

    public ValueTask<Errno> ReleaseAsync(FuseRequest request, FuseReleaseIn arguments) =>
        _files.ReleaseAsync(arguments);

    public ValueTask<Errno> FsyncAsync(FuseRequest request, FuseFsyncIn arguments) =>
        _files.FsyncAsync(request, arguments);

    public ValueTask<Errno> OpenDirectoryAsync(FuseRequest request, FuseOpenIn arguments) =>
        _directories.OpenAsync(request);

    public ValueTask<Errno> ReadDirectoryAsync(FuseRequest request, FuseReadIn arguments, bool plus) =>
        _directories.ReadAsync(request, arguments, plus);

    public ValueTask<Errno> ReleaseDirectoryAsync(FuseRequest request, FuseReleaseIn arguments) =>
        _directories.ReleaseAsync(arguments);

    public ValueTask<Errno> FsyncDirectoryAsync(FuseRequest request, FuseFsyncIn arguments) =>
        _directories.FsyncAsync(request);

    public ValueTask<Errno> StatFsAsync(FuseRequest request) => _attributes.StatFsAsync(request);

    public ValueTask<Errno> SetXattrAsync(FuseRequest request, FileName name, ReadOnlyMemory<byte> value, uint flags) =>
        _attributes.SetXattrAsync(request, name, value, flags);

    public ValueTask<Errno> GetXattrAsync(FuseRequest request, FileName name, uint size) =>
        _attributes.GetXattrAsync(request, name, size);

    public ValueTask<Errno> ListXattrAsync(FuseRequest request, uint size) => _attributes.ListXattrAsync(request, size);

    public ValueTask<Errno> RemoveXattrAsync(FuseRequest request, FileName name) =>
        _attributes.RemoveXattrAsync(request, name);

    public ValueTask<Errno> FallocateAsync(FuseRequest request, FuseFallocateIn arguments) =>
        _allocation.FallocateAsync(request, arguments);

    public ValueTask<Errno> SeekAsync(FuseRequest request, FuseLSeekIn arguments) =>
        _files.SeekAsync(request, arguments);

    public ValueTask<Errno> IoctlAsync(FuseRequest request, FuseIoctlIn arguments, ReadOnlyMemory<byte> input) =>
        _attributes.IoctlAsync(request, arguments, input);

    public ValueTask<Errno> GetLockAsync(FuseRequest request, FuseLockIn arguments) =>
        _locks.GetAsync(request, arguments);

    public ValueTask<Errno> SetLockAsync(FuseRequest request, FuseLockIn arguments, bool waits) =>
        _locks.SetAsync(request, arguments, waits);

    public ValueTask<Errno> SyncFsAsync(FuseRequest request) => _files.SyncAllAsync(request);
}
