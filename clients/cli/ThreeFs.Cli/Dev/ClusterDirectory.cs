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
internal sealed class ClusterDirectory(string path)
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
