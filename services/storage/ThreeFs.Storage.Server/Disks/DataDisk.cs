using System.Globalization;
using ThreeFs.Base;
using ThreeFs.Contracts.Storage;
using ThreeFs.Io.Files;

namespace ThreeFs.Storage.Server.Disks;

/// <summary>
/// One data path of this node, locked for this process while the object lives: two processes on one path cannot be. A path belongs
/// to one node of one cluster from its first use on; another one is refused with ForeignDisk.
/// </summary>
internal sealed class DataDisk : IDisposable
{
    private const string LockFile = "lock";
    private const string OwnerFile = "owner";
    private const string TargetPrefix = "target-";
    private const string DiscardedPrefix = "discarded-";
    private readonly FileStream _lock;

    private readonly ulong _deviceId;

    private DataDisk(int index, string path, FileStream @lock, ulong deviceId)
    {
        Index = index;
        Path = path;
        _lock = @lock;
        _deviceId = deviceId;
    }

    public int Index { get; }

    public string Path { get; }

    public static Result<DataDisk> Open(int index, string path, string clusterId, uint nodeId)
    {
        path = System.IO.Path.GetFullPath(path);
        if (!Directory.Exists(path))
            return new Status(StatusCode.NotFound, $"data path {path} does not exist: create it, or mount its disk");
        FileStream held;
        try
        {
            held = new FileStream(System.IO.Path.Combine(path, LockFile), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (UnauthorizedAccessException e)
        {
            return new Status(StatusCode.AccessDenied, $"data path {path} is not writable: {e.Message}");
        }
        catch (IOException e)
        {
            return IsShared(e)
                ? new Status(StatusCode.Busy, $"data path {path} is in use by another process, which holds {LockFile} in it{Holder(path)}")
                : new Status(StatusCode.IoError, $"data path {path} is not writable: {e.Message}");
        }

        try
        {
            WriteHolder(held);
            var owner = CheckOwner(path, $"threefs 1 cluster {clusterId} node {nodeId}\n");
            var device = DeviceIdentity.Of(path);
            if (owner.IsOk && device.TryGet(out var deviceId)) return new DataDisk(index, path, held, deviceId);
            held.Dispose();
            return owner.IsOk ? device.Status : owner;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            held.Dispose();
            return new Status(StatusCode.IoError, $"data path {path} is not writable: {e.Message}");
        }
    }

    /// <summary>Directories that are named like targets, by id.</summary>
    public IEnumerable<(TargetId Id, string Directory)> FindTargets()
    {
        foreach (var directory in Directory.EnumerateDirectories(Path, TargetPrefix + "*").Order(StringComparer.Ordinal))
        {
            var name = System.IO.Path.GetFileName(directory)[TargetPrefix.Length..];
            if (ulong.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var id)) yield return (new TargetId(id), directory);
        }
    }

    /// <summary>A closed target is one no more, durably; <see cref="DeleteDiscarded"/> frees its space.</summary>
    public Status Discard(TargetId target)
    {
        try
        {
            var name = Enumerable.Range(0, int.MaxValue).Select(n => System.IO.Path.Combine(Path, $"{DiscardedPrefix}{target}-{n}"))
                .First(d => !Directory.Exists(d));
            Directory.Move(DirectoryOf(target), name);
            return DirectorySync.Flush(Path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new Status(StatusCode.IoError, $"target {target} is closed, its directory {DirectoryOf(target)} cannot be renamed: {e.Message}");
        }
    }

    /// <summary>Deletes what was discarded, also by a process that died meanwhile. May take long. Any thread.</summary>
    public Status DeleteDiscarded()
    {
        try
        {
            foreach (var directory in Directory.EnumerateDirectories(Path, DiscardedPrefix + "*")) Directory.Delete(directory, recursive: true);
            return Status.Ok;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new Status(StatusCode.IoError, e.Message);
        }
    }

    public string DirectoryOf(TargetId target) => System.IO.Path.Combine(Path, TargetPrefix + target);

    /// <summary>Zeros when the disk is gone.</summary>
    /// <param name="usedBytes">By the targets of this node.</param>
    /// <param name="reservedBytes">What chunks never take.</param>
    public DiskSpace GetSpace(long usedBytes, long reservedBytes)
    {
        var usage = DiskUsage.Of(Path).TryGet(out var space) ? space : default;
        return new DiskSpace(Index, usage.CapacityBytes, Math.Max(0, usage.FreeBytes - reservedBytes), usedBytes, _deviceId);
    }

    /// <summary>Whether the path still leads to the disk it led to at first: not when that was unmounted.</summary>
    public Status CheckIsThere()
    {
        var device = DeviceIdentity.Of(Path);
        if (!device.TryGet(out var id)) return device.Status;
        return id == _deviceId ? Status.Ok : new Status(StatusCode.IoError, $"{Path} is on another file system than at the start: was its disk unmounted?");
    }

    public void Dispose() => _lock.Dispose();

    private static Status CheckOwner(string path, string owner)
    {
        var file = System.IO.Path.Combine(path, OwnerFile);
        if (!File.Exists(file))
        {
            var fresh = file + ".new";
            using (var handle = new FileStream(fresh, FileMode.Create, FileAccess.Write))
            {
                handle.Write(System.Text.Encoding.UTF8.GetBytes(owner));
                handle.Flush(flushToDisk: true);
            }

            File.Move(fresh, file);
            return DirectorySync.Flush(path);
        }

        var held = File.ReadAllText(file);
        return held == owner
            ? Status.Ok
            : new Status(StatusCode.ForeignDisk, $"data path {path} belongs to \"{held.Trim()}\", this is \"{owner.Trim()}\"");
    }

    /// <summary>EWOULDBLOCK of flock, in the form that FileStream gives it.</summary>
    private static bool IsShared(IOException e) => e.HResult == 11 || e.Message.Contains("being used by another process", StringComparison.Ordinal);

    private static void WriteHolder(FileStream held)
    {
        held.SetLength(0);
        held.Write(System.Text.Encoding.ASCII.GetBytes(Environment.ProcessId.ToString(CultureInfo.InvariantCulture) + "\n"));
        held.Flush();
    }

    private static string Holder(string path)
    {
        try
        {
            using var handle = File.OpenHandle(System.IO.Path.Combine(path, LockFile), FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            Span<byte> text = stackalloc byte[16];
            var length = RandomAccess.Read(handle, text, 0);
            return $" (pid {System.Text.Encoding.ASCII.GetString(text[..length]).Trim()})";
        }
        catch (IOException)
        {
            return "";
        }
    }
}
