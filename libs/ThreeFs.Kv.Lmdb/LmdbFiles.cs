using Microsoft.Win32.SafeHandles;
using ThreeFs.Base;
using ThreeFs.Kv.Lmdb.Durability;
using ThreeFs.Kv.Lmdb.Native;

namespace ThreeFs.Kv.Lmdb;

/// <summary>
/// The files of an environment:
/// <code>
///   data.mdb, lock.mdb   LMDB's own
///   steady               the newest steady points (SteadyFile)
///   open.lock            held while a process opens the environment
///   users.lock           held shared by every process that has it open; alone by one that restores it
/// </code>
/// </summary>
internal sealed class LmdbFiles : IDisposable
{
    private readonly string _directory;
    private readonly SafeFileHandle _open;
    private readonly SafeFileHandle _users;

    private LmdbFiles(string directory, SafeFileHandle open, SafeFileHandle users, SteadyFile steady)
    {
        _directory = directory;
        _open = open;
        _users = users;
        Steady = steady;
    }

    public SteadyFile Steady { get; }

    /// <summary>
    /// A descriptor of our own on the data file, for flushes and meta pages; made once the file exists.
    /// </summary>
    public SafeFileHandle? Data { get; private set; }

    public string DataPath => Path.Combine(_directory, "data.mdb");

    public static Result<LmdbFiles> Open(string directory)
    {
        var open = OpenFile(Path.Combine(directory, "open.lock"));
        if (!open.IsOk) return open.Status;
        var users = OpenFile(Path.Combine(directory, "users.lock"));
        if (!users.IsOk)
        {
            open.Value.Dispose();
            return users.Status;
        }

        var steady = SteadyFile.Open(Path.Combine(directory, "steady"));
        if (steady.IsOk) return new LmdbFiles(directory, open.Value, users.Value, steady.Value);
        open.Value.Dispose();
        users.Value.Dispose();
        return steady.Status;
    }

    public Status OpenData()
    {
        Data = Posix.Open(DataPath, create: false, out var errno);
        return Data is null ? new Status(StatusCode.IoError, $"{DataPath}: {Posix.Describe(errno)}") : Status.Ok;
    }

    public Status LockOpening() =>
        Answer(Posix.Lock(_open, Posix.LockExclusive), "waiting for another process to open it");

    public void UnlockOpening() => Posix.Lock(_open, Posix.Unlock);

    public Status LockAlone()
    {
        var errno = Posix.Lock(_users, Posix.LockExclusive | Posix.LockNonBlocking);
        return errno == 0
            ? Status.Ok
            : new Status(
                StatusCode.Unavailable,
                $"{_directory} must be restored to its last flush, but another process uses it: stop all that do, then start again");
    }

    public Status LockShared() => Answer(Posix.Lock(_users, Posix.LockShared), "locking");

    /// <summary>Makes the files' names as safe as their content.</summary>
    public Status SyncNames()
    {
        var errno = Posix.SyncDirectory(_directory);
        if (errno == 0 && Path.GetDirectoryName(_directory) is { } parent) errno = Posix.SyncDirectory(parent);
        return Answer(errno, "flushing the directory");
    }

    public void Dispose()
    {
        Data?.Dispose();
        Steady.Dispose();
        _users.Dispose();
        _open.Dispose();
    }

    private static Result<SafeFileHandle> OpenFile(string path)
    {
        var file = Posix.Open(path, create: true, out var errno);
        return file is null ? new Status(StatusCode.IoError, $"{path}: {Posix.Describe(errno)}") : file;
    }

    private Status Answer(int errno, string during) =>
        errno == 0 ? Status.Ok : new Status(StatusCode.IoError, $"{_directory}: {Posix.Describe(errno)} ({during})");
}
