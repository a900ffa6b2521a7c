using ThreeFs.Cluster.Tests.Harness;

namespace ThreeFs.Cluster.Tests;

/// <summary>Targets move between servers while a verifying load runs on the mount.</summary>
public sealed class MoveTests
{
    [Fact]
    public async Task Nodes_are_drained_and_filled_again_under_load_and_nothing_is_lost()
    {
        await using var cluster = await Harness.Cluster.StartAsync("--storage 5 --targets 3 --replicas 3 --mgmtd 1 --meta 1");
        var dir = $"--dir {cluster.Directory}";
        using var load = await VerifiedLoad.StartAsync(Path.Combine(cluster.Mount, "load"));

        // A node that leads a chain, so that a head moves too.
        var status = await cluster.StatusAsync();
        var node = status.NodeAt(0, 0);
        var planned = await RunAsync($"node drain {node.Id} --dry-run {dir}");
        Assert.Equal(3, planned.Split('\n').Count(l => l.Contains($" {node.Id}/0", StringComparison.Ordinal)));
        Assert.Equal(3, (await cluster.StatusAsync()).Chains.Sum(c => c.Targets.Count(t => t.Node == node.Id)));

        // Broken off in the middle, and finished by the same command.
        using (var begun = Shell.Start($"{Harness.Cluster.ThreeFs} node drain {node.Id} {dir}"))
        {
            while (!begun.OutputSoFar.Contains("takes the place of", StringComparison.Ordinal))
            {
                Assert.False(begun.HasExited, begun.OutputSoFar);
                await Task.Delay(10);
            }
        }

        Assert.Contains((await cluster.StatusAsync()).Chains, c => c.Targets.Length == 4);

        var drained = await RunAsync($"node drain {node.Id} --destroy-old {dir}");
        Assert.Contains($"node {node.Id} holds no target of a chain any more", drained);
        await load.PassRoundsAsync(1);
        status = await cluster.StatusAsync();
        Assert.True(status.AllServing);
        Assert.All(status.Chains, c => Assert.Equal(3, c.Targets.Select(t => t.Node).Distinct().Count()));
        Assert.All(status.Chains, c => Assert.DoesNotContain(c.Targets, t => t.Node == node.Id));
        var orphans = (await RunAsync($"admin targets {dir}")).Split('\n').Count(l => l.Contains("  -  ", StringComparison.Ordinal));

        // What the run that was broken off removed is not the second one's to destroy.
        Assert.InRange(orphans, 0, 2);
        Assert.InRange(Directory.GetDirectories(Path.Combine(cluster.Directory, node.Name, "data"), "target-*").Length, 0, orphans);

        // The node comes back into use, and heads where they were meant to be.
        await RunAsync($"node add {node.Id} {dir}");
        await RunAsync($"admin rotate --all {dir}");
        await load.PassRoundsAsync(1);
        status = await cluster.StatusAsync();
        Assert.True(status.AllServing);
        Assert.Equal(3, status.Chains.Sum(c => c.Targets.Count(t => t.Node == node.Id)));
        await load.StopAsync();
        Assert.Contains("no problem found", await cluster.FsckAsync());
    }

    [Fact]
    public async Task The_targets_of_a_lost_server_are_replaced_under_load_and_what_would_lose_data_is_refused()
    {
        await using var cluster = await Harness.Cluster.StartAsync("--storage 4 --targets 2 --replicas 2 --mgmtd 1 --meta 1");
        var dir = $"--dir {cluster.Directory}";
        using var load = await VerifiedLoad.StartAsync(Path.Combine(cluster.Mount, "load"));
        var status = await cluster.StatusAsync();
        var lost = status.NodeAt(0, 0);
        var targets = status.Chains.SelectMany(c => c.Targets).Where(t => t.Node == lost.Id).Select(t => t.Id).ToArray();

        // One target moves away from a server that lives, head or not; its data can be deleted afterwards and not
        // before.
        var other = status.Chains.SelectMany(c => c.Targets).First(t => t.Node != lost.Id && status.Chains.Any(c => c.Targets[0] == t));
        var refused = await Shell.TryAsync($"{Harness.Cluster.ThreeFs} target destroy {other.Id} {dir}");
        Assert.Contains("is in chain", refused.Output);
        Assert.Equal(2, refused.ExitCode);
        await RunAsync($"target replace {other.Id} {dir}");
        Assert.Contains("is destroyed", await RunAsync($"target destroy {other.Id} {dir}"));
        Assert.Equal(2, (await Shell.TryAsync($"{Harness.Cluster.ThreeFs} target replace {other.Id} {dir}")).ExitCode);

        // A server is lost with its disk.
        await Harness.Cluster.KillAsync(lost);
        await cluster.WaitForAsync(s => s.Chains.All(c => c.Targets.All(t => t.Node != lost.Id || t.State == "offline")));
        await Shell.RunAsync($"rm -rf {cluster.Directory}/{lost.Name}/data");
        var replaced = await RunAsync($"target replace --disk {lost.Id}/0 {dir}");
        Assert.Contains($"{targets.Length} targets moved", replaced);
        await load.PassRoundsAsync(1);
        status = await cluster.StatusAsync();
        Assert.True(status.AllServing);
        Assert.All(status.Chains, c => Assert.Equal(2, c.Targets.Select(t => t.Node).Distinct().Count()));
        Assert.DoesNotContain(status.Chains.SelectMany(c => c.Targets), t => t.Node == lost.Id);
        await load.StopAsync();
        Assert.Contains("no problem found", await cluster.FsckAsync());

        // The last that serves is no one to be replaced once it is gone.
        var chain = status.Chains[0];
        await Harness.Cluster.KillAsync([.. status.Of("storage").Where(n => n.Pid is not null && chain.Targets.Any(t => t.Node == n.Id))]);
        var waiting = await cluster.WaitForAsync(s => s.Chains[0].Targets.Any(t => t.State == "lastsrv"));
        var last = waiting.Chains[0].Targets.Single(t => t.State == "lastsrv");
        refused = await Shell.TryAsync($"{Harness.Cluster.ThreeFs} target replace {last.Id} {dir}");
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains("alone has every update", refused.Output);
        refused = await Shell.TryAsync($"{Harness.Cluster.ThreeFs} node drain {last.Node} {dir}");
        Assert.Equal(2, refused.ExitCode);
    }

    private static Task<string> RunAsync(string arguments) => Shell.RunAsync($"{Harness.Cluster.ThreeFs} {arguments}");
}
