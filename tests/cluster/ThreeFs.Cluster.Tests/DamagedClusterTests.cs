using System.Diagnostics;
using ThreeFs.Cluster.Tests.Harness;

namespace ThreeFs.Cluster.Tests;

/// <summary>What the commands say and do about a cluster that is not whole.</summary>
public sealed class DamagedClusterTests
{
    private static readonly string _threefs = Harness.Cluster.ThreeFs;

    [Fact]
    public async Task A_dead_server_is_reported_by_fsck_and_repaired_when_up_has_ended()
    {
        await using var cluster = await Harness.Cluster.StartAsync("--mgmtd 1 --meta 1");
        await Shell.RunAsync($"head -c 8M /dev/urandom > {cluster.Mount}/f; sync {cluster.Mount}/f");
        var victim = (await cluster.StatusAsync()).Of("storage").First();

        // Each command at once: the cluster manager has not missed the server yet.
        await Harness.Cluster.KillAsync(victim);
        var fsck = await Shell.TryAsync($"{_threefs} fsck --dir {cluster.Directory}");
        Assert.Equal(1, fsck.ExitCode);
        Assert.Contains($"target {victim.Id}01 does not serve (offline) and was not checked", fsck.Output);
        Assert.Contains("2 problems", fsck.Output);
        await cluster.UpAsync();
        Assert.Contains("no problem found", await cluster.FsckAsync());

        await Harness.Cluster.KillAsync((await cluster.StatusAsync()).Of("storage").First());
        await cluster.UpAsync();
        Assert.Contains("no problem found", await cluster.FsckAsync());
    }

    [Fact]
    public async Task A_damaged_cluster_can_be_looked_at_and_ended_and_nothing_lost_is_made_anew()
    {
        await using var cluster = await Harness.Cluster.StartAsync("--mgmtd 1 --meta 1 --targets 1");
        var dir = cluster.Directory;
        await File.WriteAllTextAsync($"{cluster.Mount}/kept", "kept");
        var pids = (await cluster.StatusAsync()).Nodes.Select(n => n.Pid!.Value).ToArray();
        await Shell.RunAsync($"cd {dir}; cp cluster.toml plan; echo broken > cluster.toml");
        await Shell.RunAsync($"cd {dir}; cp meta-1/config.toml meta; echo = > meta-1/config.toml");
        var status = await Shell.TryAsync($"{_threefs} status --dir {dir}");
        Assert.Equal(1, status.ExitCode);
        Assert.All(pids, pid => Assert.Contains($" {pid} ", status.Output));
        Assert.Contains("problem: ", status.Output);

        // Somebody is writing: named, and the cluster ends all the same.
        using var writer = Shell.Start($"exec 3> {cluster.Mount}/open; echo ready; sleep 60");
        while (!writer.OutputSoFar.Contains("ready")) await Task.Delay(20);
        Assert.Matches(@"taken away from .*writing", await Shell.RunAsync($"{_threefs} down --dir {dir} 2>&1"));
        Assert.Equal("", await Shell.RunAsync($"for p in {string.Join(' ', pids)}; do tr -d '\\0' < /proc/$p/cmdline || true; done 2> /dev/null"));

        await Shell.RunAsync($"cd {dir}; mv plan cluster.toml; mv meta meta-1/config.toml; mv kv {dir}-kv; rm */pid");
        var refused = await Shell.TryAsync($"{_threefs} up --dir {dir}");
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains($"{dir}/kv, is missing", refused.Output);
        await Shell.RunAsync($"mv {dir}-kv {dir}/kv");

        // An `up` that is interrupted says what it leaves behind, and the next one goes on.
        // Who runs tests in the background has them ignore SIGINT, and what they start inherits that.
        string[] command = ["--default-signal=INT", _threefs, "up", "--dir", dir];
        using var up = Process.Start(new ProcessStartInfo("env", command) { RedirectStandardError = true })!;
        while (!File.Exists($"{dir}/mgmtd-1/pid")) await Task.Delay(20);
        await Shell.RunAsync($"kill -INT {up.Id}");
        var said = await up.StandardError.ReadToEndAsync();
        await up.WaitForExitAsync();
        Assert.Matches("interrupted; [1-9] process", said); // how many had begun is a matter of the moment
        Assert.Equal(130, up.ExitCode);
        await cluster.UpAsync();
        Assert.Equal("kept", await File.ReadAllTextAsync($"{cluster.Mount}/kept"));
    }
}
