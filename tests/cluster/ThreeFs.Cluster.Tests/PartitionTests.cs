using ThreeFs.Cluster.Tests.Harness;

namespace ThreeFs.Cluster.Tests;

/// <summary>
/// A firewall cuts a storage server off, in one direction or both, from everybody or from one other, while writes are in flight: no error
/// reaches the application, no byte differs, and when the network is whole again the cluster heals by itself.
/// </summary>
public sealed class PartitionTests : IAsyncLifetime
{
    private NetworkedCluster _cluster = null!;

    public async Task InitializeAsync() => _cluster = await NetworkedCluster.StartAsync();

    public async Task DisposeAsync() => await _cluster.DisposeAsync();

    [Fact]
    public async Task A_storage_server_is_cut_off_in_each_direction_and_both()
    {
        using var load = await VerifiedLoad.StartAsync($"{_cluster.Mount}/load");
        foreach (var hooks in new string[][] { ["input", "output"], ["input"], ["output"] })
        {
            await _cluster.CutAsync(1, hooks);
            await _cluster.WaitUntilOneIsOutAsync();
            await load.PassRoundsAsync(1);
            await _cluster.HealAsync(1);
            await _cluster.WaitUntilAllServeAsync();
        }

        await load.PassRoundsAsync(1);
        await load.StopAsync();
        await _cluster.FsckAsync();
    }

    /// <summary>Everybody reaches the cluster manager, so nobody is taken out: writes wait, and go on when the cut is gone.</summary>
    [Fact]
    public async Task Two_storage_servers_are_cut_off_from_each_other()
    {
        using var load = await VerifiedLoad.StartAsync($"{_cluster.Mount}/load");
        await _cluster.CutAsync(1, peer: 2, "input", "output");
        await Shell.RunAsync($"timeout 5 dd if=/dev/zero of={_cluster.Mount}/waits bs=64k count=16 oflag=direct || true");
        await _cluster.HealAsync(1);
        await _cluster.WaitUntilAllServeAsync();
        await load.PassRoundsAsync(1);
        await load.StopAsync();
        await _cluster.FsckAsync();
    }
}
