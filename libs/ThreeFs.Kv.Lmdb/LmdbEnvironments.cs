using ThreeFs.Base;
using ThreeFs.Kv.Lmdb.Native;

namespace ThreeFs.Kv.Lmdb;

/// <summary>
/// The environments this process has open, by canonical path. Process-wide state because LMDB demands it: opening one
/// environment twice in a process breaks its locks.
/// </summary>
internal static class LmdbEnvironments
{
    private static readonly Lock _lock = new();
    private static readonly Dictionary<string, (LmdbEnvironment Environment, int Users)> _open = [];

    public static Result<LmdbEnvironment> Open(LmdbOptions options, TimeProvider time)
    {
        var status = options.Validate();
        if (status.IsOk) status = MdbLibrary.Check();
        if (!status.IsOk) return status;
        lock (_lock)
        {
            var path = Create(options.Path);
            if (!path.IsOk) return path.Status;
            if (_open.TryGetValue(path.Value, out var open))
            {
                _open[path.Value] = open with { Users = open.Users + 1 };
                return open.Environment;
            }

            var environment = LmdbOpening.Open(options with { Path = path.Value }, time);
            if (environment.IsOk) _open.Add(path.Value, (environment.Value, 1));
            return environment;
        }
    }

    public static void Close(LmdbEnvironment environment)
    {
        lock (_lock)
        {
            var open = _open[environment.Path];
            if (open.Users > 1)
            {
                _open[environment.Path] = open with { Users = open.Users - 1 };
                return;
            }

            environment.Close();
            _open.Remove(environment.Path);
        }
    }

    private static Result<string> Create(string path)
    {
        try
        {
            var full = Path.GetFullPath(path);
            Directory.CreateDirectory(full);
            if (Posix.RealPath(full) is { } real) return real;
            return new Status(StatusCode.IoError, $"{full}: cannot be resolved");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return new Status(StatusCode.IoError, $"{path}: {e.Message}");
        }
    }
}
