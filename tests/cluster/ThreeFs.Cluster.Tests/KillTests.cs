using ThreeFs.Cluster.Tests.Harness;

namespace ThreeFs.Cluster.Tests;

/// <summary>
/// kill -9 of any one process while writes are in flight: no error reaches the application and no byte differs; started again,
/// the cluster heals by itself and all replicas end up identical.
/// </summary>
public sealed class KillTests : IAsyncLifetime
{
    private Harness.Cluster _cluster = null!;

    public async Task InitializeAsync() => _cluster = await Harness.Cluster.StartAsync();

    public async Task DisposeAsync() => await _cluster.DisposeAsync();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_storage_server_at_each_position_of_a_chain(int position)
    {
        var victim = (await _cluster.StatusAsync()).NodeAt(chain: 0, position);
        using var load = await VerifiedLoad.StartAsync($"{_cluster.Mount}/load");

        await Harness.Cluster.KillAsync(victim);
        await _cluster.WaitForAsync(s => s.Chains.All(c => c.Targets.All(t => t.Node != victim.Id || t.State != "serving")));
        await load.PassRoundsAsync(1);

        await _cluster.UpAsync();
        await _cluster.WaitUntilAllServeAsync();
        await load.PassRoundsAsync(1);
        await load.StopAsync();
        await _cluster.FsckAsync();
    }

    /// <summary>It wakes up believing its lease, and must neither serve nor accept anything before it has heard of its chains.</summary>
    [Fact]
    public async Task A_storage_server_that_was_stopped_for_longer_than_its_lease_and_continues()
    {
        var victim = (await _cluster.StatusAsync()).NodeAt(chain: 0, position: 0);
        using var load = await VerifiedLoad.StartAsync($"{_cluster.Mount}/load");

        await Shell.RunAsync($"kill -STOP {victim.Pid}");
        await _cluster.WaitForAsync(s => s.Chains.All(c => c.Targets.All(t => t.Node != victim.Id || t.State != "serving")));
        await load.PassRoundsAsync(1);

        await Shell.RunAsync($"kill -CONT {victim.Pid}");
        await _cluster.WaitUntilAllServeAsync();
        await load.PassRoundsAsync(1);
        await load.StopAsync();
        await _cluster.FsckAsync();
    }

    [Fact]
    public async Task A_metadata_server()
    {
        using var load = await VerifiedLoad.StartAsync($"{_cluster.Mount}/load");
        foreach (var victim in (await _cluster.StatusAsync()).Of("meta"))
        {
            await Harness.Cluster.KillAsync(victim);
            await load.PassRoundsAsync(1);
            await Shell.RunAsync($"for i in $(seq 50); do mkdir {_cluster.Mount}/{victim.Name}-$i; done; ls {_cluster.Mount} | wc -l");
            await _cluster.UpAsync();
        }

        await load.StopAsync();
        await _cluster.FsckAsync();
    }

    [Fact]
    public async Task Both_metadata_servers_are_started_again_although_the_mount_cannot_answer()
    {
        await File.WriteAllTextAsync($"{_cluster.Mount}/before", "kept");
        await Harness.Cluster.KillAsync([.. (await _cluster.StatusAsync()).Of("meta")]);

        await _cluster.StatusAsync();
        await _cluster.UpAsync();
        Assert.Equal("kept", await File.ReadAllTextAsync($"{_cluster.Mount}/before"));
    }

    [Fact]
    public async Task The_primary_cluster_manager()
    {
        using var load = await VerifiedLoad.StartAsync($"{_cluster.Mount}/load");
        var victim = (await _cluster.StatusAsync()).PrimaryMgmtd;

        await Harness.Cluster.KillAsync(victim);
        await _cluster.WaitForAsync(s => s.Of("mgmtd").Any(n => n.State == "primary" && n.Id != victim.Id));
        await load.PassRoundsAsync(1);

        await _cluster.UpAsync();
        await load.StopAsync();
        await _cluster.WaitUntilAllServeAsync();
        await _cluster.FsckAsync();
    }
}
