using Microsoft.Win32.SafeHandles;
using ThreeFs.Base;
using ThreeFs.Kv.Lmdb.Native;

namespace ThreeFs.Kv.Lmdb.Durability;

/// <summary>
/// The side file with the two newest steady points, in slots a page apart that are written in turn: a write that a
/// power failure tears leaves the other slot. Its flock is the right to make a steady point.
/// </summary>
internal sealed class SteadyFile : IDisposable
{
    private const int SlotDistance = 4096;

    private readonly SafeFileHandle _file;
    private readonly string _path;

    private SteadyFile(SafeFileHandle file, string path)
    {
        _file = file;
        _path = path;
    }

    public static Result<SteadyFile> Open(string path)
    {
        var file = Posix.Open(path, create: true, out var errno);
        if (file is null) return new Status(StatusCode.IoError, $"{path}: {Posix.Describe(errno)}");
        try
        {
            // Both slots get their blocks at once: later writes change no metadata, so fdatasync is one write, and need
            // no space.
            if (RandomAccess.GetLength(file) < 2 * SlotDistance)
                RandomAccess.Write(file, new byte[2 * SlotDistance], 0);
            return new SteadyFile(file, path);
        }
        catch (IOException e)
        {
            file.Dispose();
            return new Status(StatusCode.IoError, $"{path}: {e.Message}");
        }
    }

    public Status Lock() => Answer(Posix.Lock(_file, Posix.LockExclusive), "locking");

    public void Unlock() => Posix.Lock(_file, Posix.Unlock);

    /// <summary>
    /// The newest complete record; null when there is none yet. Without the lock a record being written is not seen
    /// yet.
    /// </summary>
    public Result<SteadyRecord?> ReadNewest()
    {
        SteadyRecord? newest = null;
        var bytes = new byte[SteadyRecord.Bytes];
        for (var slot = 0; slot < 2; slot++)
        {
            int length;
            try
            {
                length = RandomAccess.Read(_file, bytes, slot * SlotDistance);
            }
            catch (IOException e)
            {
                return new Status(StatusCode.IoError, $"{_path}: {e.Message}");
            }

            var record = SteadyRecord.Decode(bytes.AsSpan(0, length), _path);
            if (!record.IsOk) return record.Status;
            if (record.Value is { } found && (newest is null || found.Sequence > newest.Sequence)) newest = found;
        }

        return newest;
    }

    /// <summary>
    /// Writes the record over the older one and forces it to stable storage. The caller holds the lock. NoSpace:
    /// nothing was written (a file system that never overwrites in place).
    /// </summary>
    public Status Write(SteadyRecord record)
    {
        try
        {
            RandomAccess.Write(_file, record.Encode(), (long)(record.Sequence & 1) * SlotDistance);
        }
        catch (IOException e)
        {
            return new Status(
                MdbErrors.IsOutOfSpace(e.HResult) ? StatusCode.NoSpace : StatusCode.IoError,
                $"{_path}: {e.Message}");
        }

        return Answer(Posix.SyncData(_file), "flushing");
    }

    public void Dispose() => _file.Dispose();

    private Status Answer(int errno, string during) =>
        errno == 0 ? Status.Ok : new Status(StatusCode.IoError, $"{_path}: {Posix.Describe(errno)} ({during})");
}
