using ThreeFs.Cluster.Tests.Harness;

namespace ThreeFs.Cluster.Tests;

/// <summary>What the commands that start and end a local cluster promise.</summary>
public sealed class UpDownTests
{
    [Fact]
    public async Task Up_again_repairs_what_is_down_and_leaves_the_rest()
    {
        await using var cluster = await Harness.Cluster.StartAsync();
        var before = await cluster.StatusAsync();
        var victim = before.Of("storage").First();
        await File.WriteAllTextAsync($"{cluster.Mount}/kept", "kept");
        await Harness.Cluster.KillAsync(victim);

        await cluster.UpAsync();
        var after = await cluster.WaitUntilAllServeAsync();
        foreach (var node in before.Nodes)
        {
            var now = after.Nodes.Single(n => n.Name == node.Name);
            Assert.Equal(node.Name == victim.Name, now.Pid != node.Pid);
        }

        Assert.Equal("kept", await File.ReadAllTextAsync($"{cluster.Mount}/kept"));
    }

    [Fact]
    public async Task Other_counts_chunk_size_and_a_mount_behind_a_symlink_work()
    {
        // Through a symlink: the kernel's table of mounts has the directory it leads to.
        var directory = Directory.CreateTempSubdirectory("mount-").FullName;
        var mount = directory + "-link";
        Directory.CreateSymbolicLink(mount, directory);
        await using var cluster = await Harness.Cluster.StartAsync(
            $"--mgmtd 1 --meta 1 --storage 4 --targets 3 --replicas 2 --chunk-size 128KiB --mount {mount}");
        var status = await cluster.StatusAsync();
        Assert.Equal(mount, status.Mount.Path);
        Assert.Equal(6, status.Chains.Length);
        Assert.All(status.Chains, c => Assert.Equal(2, c.Targets.Length));
        Assert.True(status.AllServing);
        await Shell.RunAsync($"head -c 1000000 /dev/urandom > /tmp/data-$$; cp /tmp/data-$$ {mount}/f; cmp /tmp/data-$$ {mount}/f; rm /tmp/data-$$");
        await cluster.DownAsync();
        File.Delete(mount);
        Directory.Delete(directory);
    }

    [Fact]
    public async Task Every_process_serves_metrics_and_health()
    {
        await using var cluster = await Harness.Cluster.StartAsync();
        await Shell.RunAsync($"dd if=/dev/zero of={cluster.Mount}/f bs=1M count=4 conv=fsync status=none");
        using var http = new HttpClient();
        var status = await cluster.StatusAsync();
        foreach (var directory in Directory.GetDirectories(cluster.Directory).Where(d => File.Exists($"{d}/config.toml")))
        {
            var port = File.ReadLines($"{directory}/config.toml").Single(l => l.StartsWith("http_port", StringComparison.Ordinal)).Split('=')[1].Trim();
            var role = Path.GetFileName(directory).Split('-')[0];
            var prefix = role == "mount" ? "threefs_fuse_" : $"threefs_{role}_";
            Assert.Contains(prefix, await http.GetStringAsync($"http://127.0.0.1:{port}/metrics"));
            Assert.StartsWith("ok", await http.GetStringAsync($"http://127.0.0.1:{port}/healthz"));
        }

        Assert.All(status.Nodes, n => Assert.NotNull(n.Pid));
    }

    [Fact]
    public async Task Destroy_removes_the_directory_and_every_process()
    {
        var cluster = await Harness.Cluster.StartAsync();
        var pids = (await cluster.StatusAsync()).Nodes.Select(n => n.Pid!.Value).ToArray();
        await cluster.DisposeAsync();
        Assert.False(Directory.Exists(cluster.Directory));
        // A process that nobody has waited for yet keeps its entry, with an empty command line.
        Assert.All(pids, pid => Assert.True(!File.Exists($"/proc/{pid}/cmdline") || File.ReadAllText($"/proc/{pid}/cmdline").Length == 0));
    }
}
