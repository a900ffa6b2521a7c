using Microsoft.Extensions.Logging;
using ThreeFs.Fuse.Memory;
using ThreeFs.Fuse.Session;

namespace ThreeFs.Fuse.Tests.Mounts;

/// <summary>A real mount over some file system, in a directory of its own. What the session logs is kept.</summary>
internal sealed class MountFixture : IAsyncDisposable
{
    private readonly string _home;

    private MountFixture(string home, FuseSession session, RecordingLogger log)
    {
        _home = home;
        Session = session;
        Log = log;
    }

    public FuseSession Session { get; }
    public RecordingLogger Log { get; }
    public string Root => Session.MountPoint;

    public static MountFixture Memory(FuseSessionOptions? options = null) =>
        Start(new MemoryFileSystem(TimeProvider.System), options);

    public static MountFixture Start(IFuseFileSystem fs, FuseSessionOptions? options = null)
    {
        var home = Directory.CreateTempSubdirectory("threefs-fuse-").FullName;
        var root = Directory.CreateDirectory(Path.Combine(home, "mnt")).FullName;
        var log = new RecordingLogger();
        var session = FuseSession.Start(root, fs, options ?? new FuseSessionOptions(), TimeProvider.System, log);
        Assert.True(session.IsOk, $"{session.Status} (these tests need root and /dev/fuse)");
        return new MountFixture(home, session.Value, log);
    }

    public string At(params string[] parts) => Path.Combine([Root, .. parts]);

    public async ValueTask DisposeAsync()
    {
        await Session.DisposeAsync();
        Directory.Delete(_home, recursive: true);
    }
}

internal sealed class RecordingLogger : ILogger
{
    private readonly Lock _lock = new();
    private readonly List<string> _lines = [];

    public IReadOnlyList<string> Lines
    {
        get
        {
            lock (_lock) return [.. _lines];
        }
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel level) => true;

    public void Log<TState>(
        LogLevel level, EventId id, TState state, Exception? error, Func<TState, Exception?, string> formatter)
    {
        lock (_lock) _lines.Add($"{level}: {formatter(state, error)} {error}");
    }
}
