using System.Text.RegularExpressions;
using ThreeFs.Base;
using ThreeFs.Cli.Output;
using ThreeFs.Hosting;
using ThreeFs.Hosting.Config;
using ThreeFs.Io.Files;

namespace ThreeFs.Cli.Dev;

/// <summary>
/// Where a local cluster lives:
/// <code>
/// DIR/cluster.toml            the plan
/// DIR/kv/                     the embedded key-value store, shared by mgmtd and meta processes
/// DIR/mgmtd-1/ meta-1/ …      config.toml, log, pid of a process; storage-n/data/ its chunks
/// DIR/mnt/                    the mount, unless it is elsewhere
/// </code>
/// </summary>
internal sealed partial class ClusterDirectory(string path)
{
    public string Path { get; } = path;
    public string PlanFile => System.IO.Path.Combine(Path, "cluster.toml");
    public string KvDirectory => System.IO.Path.Combine(Path, "kv");

    /// <summary>
    /// Held by an <c>up</c> or <c>down</c> while it works, so that two do not work against each other.
    /// </summary>
    public string LockFile => System.IO.Path.Combine(Path, "lock");

    public string DefaultMount => System.IO.Path.Combine(Path, "mnt");

    /// <summary>A plan is there, though perhaps one that cannot be read.</summary>
    public bool Exists => File.Exists(PlanFile);

    public static ClusterDirectory Default => new(System.IO.Path.Combine(
        Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".threefs", "dev"));

    public static ClusterDirectory At(string? path) => path is null
        ? Default
        : new ClusterDirectory(System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(path)));

    /// <summary>" --dir PATH" for a command that is printed; nothing for the default directory.</summary>
    public string Argument => Path == Default.Path ? "" : $" --dir {ShellText.Quote(Path)}";

    public RoleDirectory Role(string name) => new(System.IO.Path.Combine(Path, name), name);

    /// <summary>
    /// The highest number of a role's directories, such as 3 when there is a storage-3; 0 without any.
    /// </summary>
    public int HighestOf(string role) => Entries()
        .Select(name => RoleName().Match(name))
        .Where(match => match.Success && match.Groups["role"].Value == role)
        .Select(match => int.Parse(match.Groups["number"].Value)).DefaultIfEmpty().Max();

    /// <summary>Whether an entry of the directory is the cluster's; the mount is too, unless it is elsewhere.</summary>
    public static bool Owns(string name) => Own().IsMatch(name);

    /// <summary>
    /// Makes the directory of a new cluster; refused where something else is, which `down
    /// --destroy` could take with it.
    /// </summary>
    public Status Make()
    {
        if (Obstacle.At(Path) is { } obstacle) return Wrong($"{obstacle}; choose another directory with --dir");
        try
        {
            Directory.CreateDirectory(Path);
            if (Exists) return Status.Ok;
            if (Strangers().FirstOrDefault() is { } other)
                return Wrong(
                    $"{Path} has no cluster and is not empty ({other} is in it); choose an empty directory with --dir");
            return File.Exists(System.IO.Path.Combine(KvDirectory, "data.mdb"))
                ? Wrong($"{Path} has a store and no {System.IO.Path.GetFileName(PlanFile)}: {PutItBack(PlanFile)}")
                : Status.Ok;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new Status(StatusCode.IoError, $"cannot make {Path}: {FileErrors.Why(e)}");
        }
    }

    /// <summary>
    /// Takes what belongs to the cluster out of the directory, and the directory away when nothing else is in
    /// it. Deleting big files can take a minute, so where it can be it is only moved beside the directory, for
    /// the caller to delete.
    /// </summary>
    public RemovedCluster Remove()
    {
        var strangers = Strangers();
        var moved = MakeTrash();
        foreach (var entry in Directory.EnumerateFileSystemEntries(Path).ToArray())
        {
            var name = System.IO.Path.GetFileName(entry);
            if (strangers.Contains(name) || TryMove(entry, moved is null ? null : System.IO.Path.Combine(moved, name)))
                continue;
            if (Directory.Exists(entry)) Directory.Delete(entry, recursive: true);
            else File.Delete(entry);
        }

        if (strangers.Count == 0) Directory.Delete(Path);
        return new RemovedCluster(strangers, moved);
    }

    public Result<ClusterPlan> LoadPlan()
    {
        if (!Exists)
            return Wrong($"there is no cluster in {Path}; create one with: threefs up{Argument}");
        var loaded = ConfigFile.Load<ClusterPlan>(PlanFile);
        if (!loaded.TryGet(out var plan)) return Wrong($"{loaded.Status.Message}; {PutItBack(PlanFile)}");
        if (!System.IO.Path.IsPathRooted(plan.Mount))
            return Wrong($"{PlanFile} is damaged: it does not say where to mount; {PutItBack(PlanFile)}");
        var valid = plan.Validate();
        return valid.IsOk ? plan : Wrong($"{PlanFile}: {valid.Message}");
    }

    public void SavePlan(ClusterPlan plan) => WriteDurably(PlanFile, ConfigFile.Format(plan));

    /// <summary>What to do about a part that is gone or damaged and cannot be made anew.</summary>
    public string PutItBack(string part) =>
        $"put {part} back, or give up all files of this cluster with `threefs down --destroy{Argument}`";

    /// <summary>
    /// Replaces a file so that after a crash, of the machine too, it has the old or the new text, and the new one once
    /// this has returned.
    /// </summary>
    public static void WriteDurably(string path, string text)
    {
        var temporary = path + ".new";
        using (var file = new FileStream(temporary, FileMode.Create, FileAccess.Write))
        {
            file.Write(System.Text.Encoding.UTF8.GetBytes(text));
            file.Flush(flushToDisk: true);
        }

        File.Move(temporary, path, overwrite: true);
        var flushed = DirectorySync.Flush(System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path))!);
        if (!flushed.IsOk) throw new IOException($"{path}: {flushed}");
    }

    private string? MakeTrash()
    {
        try
        {
            return Directory.CreateDirectory($"{Path}.removed-{Environment.ProcessId}").FullName;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Fails between two file systems: a directory of the cluster may be a disk's mount point.</summary>
    private static bool TryMove(string from, string? to)
    {
        if (to is null) return false;
        try
        {
            if (Directory.Exists(from)) Directory.Move(from, to);
            else File.Move(from, to);
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    private IReadOnlyList<string> Strangers() => [.. Entries().Where(n => !Owns(n)).Order()];

    private IEnumerable<string> Entries() => Directory.Exists(Path)
        ? Directory.EnumerateFileSystemEntries(Path).Select(e => System.IO.Path.GetFileName(e))
        : [];

    private static Status Wrong(string message) => new(StatusCode.InvalidArgument, message);

    [GeneratedRegex(@"^(cluster\.toml(\.new)?|kv|lock|mnt|mount|(mgmtd|meta|storage)-\d+)$")]
    private static partial Regex Own();

    [GeneratedRegex(@"^(?<role>mgmtd|meta|storage)-(?<number>\d{1,3})$")]
    private static partial Regex RoleName();
}

/// <param name="Left">Names in the directory that are not the cluster's; empty when the directory is gone.</param>
/// <param name="Moved">Where the cluster's files are now, to be deleted; null when they are deleted already.</param>
internal sealed record RemovedCluster(IReadOnlyList<string> Left, string? Moved);

/// <summary>The directory of one process of a local cluster.</summary>
internal sealed record RoleDirectory(string Path, string Name)
{
    public string ConfigFile => System.IO.Path.Combine(Path, "config.toml");
    public string LogFile => System.IO.Path.Combine(Path, "log");
    public string PidFile => System.IO.Path.Combine(Path, "pid");
    public string DataDirectory => System.IO.Path.Combine(Path, "data");
}
