using Microsoft.Extensions.Logging;
using ThreeFs.Fuse.Tests.Memory;
using ThreeFs.Fuse.Session;

namespace ThreeFs.Fuse.Tests.Support;

/// <summary>A real mount over some file system, in a directory of its own. What the session logs is kept.</summary>
internal sealed class MountFixture : IAsyncDisposable
{
    private readonly string _home;
    private readonly IAsyncDisposable? _behind;

    private MountFixture(string home, FuseSession session, RecordingLogger log, IAsyncDisposable? behind)
    {
        _home = home;
        _behind = behind;
        Session = session;
        Log = log;
    }

    public FuseSession Session { get; }
    public RecordingLogger Log { get; }
    public string Root => Session.MountPoint;

    public static MountFixture Memory(FuseSessionOptions? options = null) =>
        Start(new MemoryFileSystem(TimeProvider.System), options: options);

    public static MountFixture Start(
        IFuseFileSystem fs, IAsyncDisposable? behind = null, RecordingLogger? log = null,
            FuseSessionOptions? options = null) =>
        Start(_ => fs, behind, log, options);

    /// <param name="make">The file system, for the mount point that it gets.</param>
    public static MountFixture Start(
        Func<string, IFuseFileSystem> make, IAsyncDisposable? behind, RecordingLogger? log, FuseSessionOptions? options)
    {
        var home = Directory.CreateTempSubdirectory("threefs-fuse-").FullName;
        var root = Directory.CreateDirectory(Path.Combine(home, "mnt")).FullName;
        log ??= new RecordingLogger();
        var session = FuseSession.Start(root, make(root), options ?? new FuseSessionOptions(), TimeProvider.System, log);
        Assert.True(session.IsOk, $"{session.Status} (these tests need root and /dev/fuse)");
        return new MountFixture(home, session.Value, log, behind);
    }

    public string At(params string[] parts) => Path.Combine([Root, .. parts]);

    public async ValueTask DisposeAsync()
    {
        await Session.DisposeAsync();
        if (_behind is not null) await _behind.DisposeAsync();
        Directory.Delete(_home, recursive: true);
    }
}
