using ThreeFs.Base;
using ThreeFs.Hosting.Config;

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

    /// <summary>Held by an <c>up</c> or <c>down</c> while it works, so that two do not work against each other.</summary>
    public string LockFile => System.IO.Path.Combine(Path, "lock");

    public string DefaultMount => System.IO.Path.Combine(Path, "mnt");
    public bool Exists => File.Exists(PlanFile);

    public static ClusterDirectory Default => new(System.IO.Path.Combine(
        Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".threefs", "dev"));

    public static ClusterDirectory At(string? path) =>
        path is null ? Default : new ClusterDirectory(System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(path)));

    public RoleDirectory Role(string name) => new(System.IO.Path.Combine(Path, name), name);

    /// <summary>Makes the directory of a new cluster; refused where something else is, which `down --destroy` could take with it.</summary>
    public Status Make()
    {
        if (File.Exists(Path)) return new Status(StatusCode.InvalidArgument, $"{Path} is a file; choose a directory with --dir");
        try
        {
            Directory.CreateDirectory(Path);
            if (!Exists && Strangers().FirstOrDefault() is { } other)
                return new Status(StatusCode.InvalidArgument, $"{Path} has no cluster and is not empty ({other} is in it); choose an empty directory with --dir");
            return Status.Ok;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new Status(StatusCode.IoError, $"cannot make {Path}: {e.Message}");
        }
    }

    /// <summary>Removes what belongs to the cluster.</summary>
    /// <returns>What is left because it does not; empty when the directory is gone.</returns>
    public IReadOnlyList<string> Remove()
    {
        var strangers = Strangers();
        foreach (var entry in Directory.EnumerateFileSystemEntries(Path).ToArray())
        {
            if (strangers.Contains(System.IO.Path.GetFileName(entry))) continue;
            if (Directory.Exists(entry)) Directory.Delete(entry, recursive: true);
            else File.Delete(entry);
        }

        if (strangers.Count == 0) Directory.Delete(Path);
        return strangers;
    }

    private IReadOnlyList<string> Strangers() =>
        [.. Directory.EnumerateFileSystemEntries(Path).Select(e => System.IO.Path.GetFileName(e)).Where(n => !Own().IsMatch(n)).Order()];

    [System.Text.RegularExpressions.GeneratedRegex(@"^(cluster\.toml(\.new)?|kv|lock|mnt|mount|(mgmtd|meta|storage)-\d+)$")]
    private static partial System.Text.RegularExpressions.Regex Own();

    public Result<ClusterPlan> LoadPlan()
    {
        if (!Exists)
            return new Status(StatusCode.InvalidArgument, $"there is no cluster in {Path}; create one with: threefs up --dir {Path}");
        return ConfigFile.Load<ClusterPlan>(PlanFile);
    }

    public void SavePlan(ClusterPlan plan) => WriteDurably(PlanFile, ConfigFile.Format(plan));

    /// <summary>Replaces a file so that after a crash it has the old or the new text.</summary>
    public static void WriteDurably(string path, string text)
    {
        var temporary = path + ".new";
        using (var file = new FileStream(temporary, FileMode.Create, FileAccess.Write))
        {
            file.Write(System.Text.Encoding.UTF8.GetBytes(text));
            file.Flush(flushToDisk: true);
        }

        File.Move(temporary, path, overwrite: true);
    }
}

/// <summary>The directory of one process of a local cluster.</summary>
internal sealed record RoleDirectory(string Path, string Name)
{
    public string ConfigFile => System.IO.Path.Combine(Path, "config.toml");
    public string LogFile => System.IO.Path.Combine(Path, "log");
    public string PidFile => System.IO.Path.Combine(Path, "pid");
    public string DataDirectory => System.IO.Path.Combine(Path, "data");
}
