using System.Runtime.CompilerServices;
using System.Text.Json;

namespace ThreeFs.Cluster.Tests.Harness;

/// <summary>
/// A cluster of real processes with a real mount, handled only as a user would: through the `threefs` command, signals and the
/// mount. Every cluster has a directory of its own; disposing ends its processes and removes it.
/// </summary>
public sealed class Cluster : IAsyncDisposable
{
    private static readonly JsonSerializerOptions _json = new(JsonSerializerDefaults.Web);

    private Cluster(string directory) => Directory = directory;

    public string Directory { get; }
    public string Mount => Path.Combine(Directory, "mnt");

    /// <summary>The command, built by the launcher script of the tree under test.</summary>
    public static string ThreeFs { get; } = Path.Combine(FindRoot(), "threefs");

    /// <param name="options">Further options of `threefs up`.</param>
    public static async Task<Cluster> StartAsync(string options = "")
    {
        var cluster = new Cluster(System.IO.Directory.CreateTempSubdirectory("threefs-").FullName);
        try
        {
            await cluster.UpAsync(options);
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    public Task<string> UpAsync(string options = "") => Shell.RunAsync($"{ThreeFs} up --dir {Directory} {options}");

    public Task<string> DownAsync() => Shell.RunAsync($"{ThreeFs} down --dir {Directory}");

    public async Task<ClusterStatus> StatusAsync()
    {
        // Standard error may carry notes; the JSON is all of standard output.
        var text = await Shell.RunAsync($"{ThreeFs} status --dir {Directory} --json 2>/dev/null");
        return JsonSerializer.Deserialize<ClusterStatus>(text, _json)!;
    }

    /// <summary>kill -9, and certainty that the process is gone.</summary>
    public static async Task KillAsync(params NodeStatus[] nodes)
    {
        var pids = string.Join(' ', nodes.Select(n => n.Pid ?? throw new InvalidOperationException($"{n.Name} is not running")));
        await Shell.RunAsync($"kill -9 {pids}; for p in {pids}; do while [ -e /proc/$p/exe ] && readlink /proc/$p/exe > /dev/null 2>&1; do sleep 0.02; done; done");
    }

    /// <summary>Waits for a state of the cluster that it must reach by itself; the failure shows the state it stayed in.</summary>
    public async Task<ClusterStatus> WaitForAsync(
        Func<ClusterStatus, bool> reached, TimeSpan? limit = null, [CallerArgumentExpression(nameof(reached))] string? what = null)
    {
        var end = DateTime.UtcNow + (limit ?? TimeSpan.FromMinutes(2));
        while (true)
        {
            var status = await StatusAsync();
            if (reached(status)) return status;
            if (DateTime.UtcNow > end) Assert.Fail($"the cluster did not reach {what}; it is {JsonSerializer.Serialize(status, _json)}");
            await Task.Delay(200);
        }
    }

    public Task<ClusterStatus> WaitUntilAllServeAsync() => WaitForAsync(s => s.AllServing);

    /// <summary>Proves that all replicas hold the same bytes, versions and checksums.</summary>
    public Task<string> FsckAsync() => Shell.RunAsync($"{ThreeFs} fsck --dir {Directory}");

    public string LogOf(string name) => File.ReadAllText(Path.Combine(Directory, name, "log"));

    public async ValueTask DisposeAsync()
    {
        await Shell.TryAsync($"{ThreeFs} down --dir {Directory} --destroy");
        // What `down` could not do must not disturb the next test.
        await Shell.TryAsync($"umount -l {Mount} 2>/dev/null; for p in {Directory}/*/pid; do kill -9 $(cat $p) 2>/dev/null; done; true");
        await Shell.TryAsync($"rm -rf --one-file-system {Directory}");
    }

    private static string FindRoot([CallerFilePath] string here = "")
    {
        var directory = Path.GetDirectoryName(here);
        while (directory is not null && !File.Exists(Path.Combine(directory, "ThreeFs.sln"))) directory = Path.GetDirectoryName(directory);
        return directory ?? throw new DirectoryNotFoundException($"no ThreeFs.sln above {here}");
    }
}
