using ThreeFs.Cluster.Tests.Harness;

namespace ThreeFs.Cluster.Tests;

/// <summary>What an operator does with `threefs admin`, as docs/operations tells it.</summary>
public sealed class AdminTests
{
    [Fact]
    public async Task A_lost_disk_is_replaced_and_a_server_takes_the_place_of_another_while_files_stay()
    {
        await using var cluster = await Harness.Cluster.StartAsync("--storage 4 --targets 1 --replicas 2 --mgmtd 1 --meta 1");
        await Shell.RunAsync($"head -c 5000000 /dev/urandom > {cluster.Mount}/f; sync {cluster.Mount}/f");
        var sum = await Shell.RunAsync($"sha256sum {cluster.Mount}/f");
        var status = await cluster.StatusAsync();
        var which = $"--mgmtd {status.Of("mgmtd").Single().Address} --cluster threefs-dev";
        var chain = status.Chains[0];
        var (kept, lost) = (status.NodeAt(0, 0), status.NodeAt(0, 1));
        var spare = status.Of("storage").First(n => n.Id != kept.Id && n.Id != lost.Id);

        // The disk of the tail is lost.
        await Harness.Cluster.KillAsync(lost);
        await cluster.WaitForAsync(s => s.Chains[0].Targets[1].State == "offline");
        await Shell.RunAsync($"cd {cluster.Directory}/{lost.Name}; rm -rf data; mkdir data");
        await Shell.RunAsync(
            $"cd {cluster.Directory}/{lost.Name}; "
            + $"setsid {Harness.Cluster.ThreeFs} storage --config config.toml --pid-file pid < /dev/null >> log 2>&1 &");
        await cluster.WaitForAsync(s => s.Nodes.Single(n => n.Id == lost.Id).State == "connected");
        var make = $"admin create-target {chain.Targets[1].Id} --chain {chain.Id} --node {lost.Id} {which}";
        await Shell.RunAsync($"{Harness.Cluster.ThreeFs} {make}");
        await cluster.WaitUntilAllServeAsync();
        var again = await Shell.TryAsync($"{Harness.Cluster.ThreeFs} {make}");
        Assert.Equal(2, again.ExitCode);
        Assert.Contains("is serving", again.Output);

        // A server that has none of the chain takes the lost one's place for good.
        await AdminAsync($"create-target 99901 --chain {chain.Id} --node {spare.Id} {which}");
        await AdminAsync($"add-target {chain.Id} 99901 {which}");
        await cluster.WaitForAsync(s => s.Chains[0].Targets.Length == 3 && s.AllServing);
        await AdminAsync($"disable-node {lost.Id} {which}");
        await cluster.WaitForAsync(s => s.Chains[0].Targets[2].State == "offline");
        await AdminAsync($"remove-target {chain.Id} {chain.Targets[1].Id} {which}");
        await AdminAsync($"forget-node {lost.Id} {which}");
        await AdminAsync($"disable-node {kept.Id} {which}");
        await cluster.WaitForAsync(s => s.Chains[0].Targets[1].State == "offline");
        Assert.Equal(sum, await Shell.RunAsync($"echo 3 > /proc/sys/vm/drop_caches; sha256sum {cluster.Mount}/f"));
        await AdminAsync($"enable-node {kept.Id} {which}");
        await cluster.WaitUntilAllServeAsync();
        Assert.Contains("no problem found", await Shell.RunAsync($"{Harness.Cluster.ThreeFs} fsck {which}"));
    }

    [Fact]
    public async Task New_chains_are_made_on_a_running_cluster_and_new_files_use_them()
    {
        await using var cluster = await Harness.Cluster.StartAsync("--mgmtd 1 --meta 1 --targets 1");
        var dir = $"--dir {cluster.Directory}";
        Assert.Contains("--replicas 4", await RefusedAsync($"create-chains --replicas 4 {dir}"));
        Assert.Contains("no storage server with node id 7", await RefusedAsync($"create-chains --nodes 7 {dir}"));
        var planned = await AdminAsync($"create-chains --dry-run {dir}");
        Assert.Single((await cluster.StatusAsync()).Chains);
        Assert.StartsWith(planned, await AdminAsync($"create-chains {dir}"), StringComparison.Ordinal);

        var status = await cluster.StatusAsync();
        Assert.True(status.AllServing);
        Assert.Equal([1u, 2u], status.Chains.Select(c => c.Id));
        Assert.Matches(@"(?m)^1 +2 +1 2 ", await AdminAsync($"tables {dir}"));
        // A file of this cluster is on one chain: new files take turns.
        await Shell.RunAsync($"cd {cluster.Mount}; for i in 1 2 3 4; do head -c 2000000 /dev/urandom > f$i; sync f$i; done");
        Assert.Matches("chain 2: [1-9][0-9]* chunks", await cluster.FsckAsync());
        Assert.Matches("201 +storage +connected", await AdminAsync($"nodes {dir}"));
        Assert.Contains($"mount at {cluster.Mount}", await AdminAsync($"clients {dir}"));
        Assert.Equal(7, (await AdminAsync($"targets {dir}")).Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
    }

    private static async Task<string> AdminAsync(string arguments) => await Shell.RunAsync($"{Harness.Cluster.ThreeFs} admin {arguments}");

    private static async Task<string> RefusedAsync(string arguments)
    {
        var result = await Shell.TryAsync($"{Harness.Cluster.ThreeFs} admin {arguments}");
        Assert.Equal(2, result.ExitCode);
        return result.Output;
    }
}
