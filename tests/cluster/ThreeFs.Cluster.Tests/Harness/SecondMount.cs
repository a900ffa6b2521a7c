namespace ThreeFs.Cluster.Tests.Harness;

/// <summary>Another mount of a running cluster, a process of its own, as on another machine.</summary>
public sealed class SecondMount : IAsyncDisposable
{
    private readonly RunningCommand _process;

    private SecondMount(string path, RunningCommand process)
    {
        Path = path;
        _process = process;
    }

    public string Path { get; }

    public static async Task<SecondMount> StartAsync(Cluster cluster)
    {
        var status = await cluster.StatusAsync();
        var mgmtd = string.Join(' ', status.Of("mgmtd").Select(n => n.Address));
        var id = await Shell.RunAsync($"sed -n 's/^cluster_id = \"\\(.*\\)\"/\\1/p' {cluster.Directory}/mount/*.toml");
        var path = System.IO.Path.Combine(cluster.Directory, "mnt-2");
        Directory.CreateDirectory(path);
        var process = Shell.Start($"exec {Cluster.ThreeFs} mount {path} --mgmtd {mgmtd} --cluster {id.Trim()}");
        await Shell.RunAsync($"until grep -q ' {path} fuse' /proc/mounts; do sleep 0.05; done", timeout: TimeSpan.FromMinutes(1));
        return new SecondMount(path, process);
    }

    public async ValueTask DisposeAsync()
    {
        _process.Dispose();
        await Shell.TryAsync($"umount -l {Path}; rmdir {Path}");
    }
}
