using ThreeFs.Cluster.Tests.Harness;

namespace ThreeFs.Cluster.Tests;

/// <summary>
/// The disk of one storage server, a loop device of its own, stops working while writes are in flight: its targets leave service, no
/// error reaches the application, and when the disk works again all replicas end up identical.
/// </summary>
public sealed class DiskFailureTests : IAsyncLifetime
{
    private const string Victim = "storage-2";

    private Harness.Cluster _cluster = null!;

    private string Disk => $"{_cluster.Directory}/{Victim}/data";

    private string Image => $"{_cluster.Directory}/image";

    public async Task InitializeAsync()
    {
        _cluster = await Harness.Cluster.StartAsync();
        await _cluster.DownAsync();
        await Shell.RunAsync(
            $"truncate -s 1500M {Image}; mkfs.ext4 -q {Image}; mkdir {Disk}.new; mount -o loop {Image} {Disk}.new; "
            + $"cp -a {Disk}/. {Disk}.new; umount {Disk}.new; rmdir {Disk}.new; rm -rf {Disk}/*; mount -o loop {Image} {Disk}; "
            + $"echo 'disk_hung_after = \"2s\"' >> {_cluster.Directory}/{Victim}/config.toml");
        await _cluster.UpAsync();
        await _cluster.WaitUntilAllServeAsync();
    }

    public async Task DisposeAsync()
    {
        await Shell.TryAsync($"fsfreeze -u {Disk}");
        await _cluster.DownAsync();
        await Shell.TryAsync($"umount {Disk}");
        await _cluster.DisposeAsync();
    }

    [Fact]
    public async Task A_disk_that_hangs_and_works_again()
    {
        using var load = await VerifiedLoad.StartAsync($"{_cluster.Mount}/load");
        await Shell.RunAsync($"fsfreeze -f {Disk}");
        await WaitUntilOutAsync();
        await load.PassRoundsAsync(1);

        await Shell.RunAsync($"fsfreeze -u {Disk}");
        await _cluster.WaitUntilAllServeAsync();
        await load.PassRoundsAsync(1);
        await load.StopAsync();
        await _cluster.FsckAsync();
    }

    [Fact]
    public async Task A_disk_that_disappears_and_is_mounted_again()
    {
        using var load = await VerifiedLoad.StartAsync($"{_cluster.Mount}/load");
        await Shell.RunAsync($"umount -l {Disk}");
        var status = await WaitUntilOutAsync();
        await load.PassRoundsAsync(1);
        Assert.Contains("is failing", _cluster.LogOf(Victim));
        var victim = status.Nodes.Single(n => n.Name == Victim);
        var lost = status.Chains[0].Targets.Single(t => t.Node == victim.Id);
        var made = await Shell.TryAsync(
            $"{Harness.Cluster.ThreeFs} admin create-target {lost.Id} --chain {status.Chains[0].Id} --node {victim.Id} --dir {_cluster.Directory}");
        Assert.Equal(1, made.ExitCode);
        Assert.Contains("is out of service", made.Output);
        Assert.Contains("restart this storage server", made.Output);

        await Harness.Cluster.KillAsync(victim);
        await Shell.RunAsync($"mount -o loop {Image} {Disk}");
        await _cluster.UpAsync();
        await _cluster.WaitUntilAllServeAsync();
        await load.PassRoundsAsync(1);
        await load.StopAsync();
        await _cluster.FsckAsync();
    }

    private async Task<ClusterStatus> WaitUntilOutAsync()
    {
        var victim = (await _cluster.StatusAsync()).Nodes.Single(n => n.Name == Victim);
        return await _cluster.WaitForAsync(s => s.Chains.All(c => c.Targets.All(t => t.Node != victim.Id || t.State != "serving")));
    }
}
