using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using ThreeFs.Cluster.Tests.Harness;

namespace ThreeFs.Cluster.Tests;

/// <summary>kill -9 of a storage server, and of the mount, while a ring has reads and writes under way.</summary>
public sealed class UsrbIoKillTests : IAsyncLifetime
{
    private Harness.Cluster _cluster = null!;

    public async Task InitializeAsync() => _cluster = await Harness.Cluster.StartAsync("--mgmtd 1 --meta 1 --targets 1");

    public async Task DisposeAsync() => await _cluster.DisposeAsync();

    [Fact]
    public async Task Rings_go_on_without_a_storage_server_and_end_with_their_mount()
    {
        var prefix = $"{_cluster.Directory}/native";
        var source = Path.Combine(Path.GetDirectoryName(Here())!, "Programs", "ring_load.c");
        await Shell.RunAsync($"{Harness.Cluster.ThreeFs} install-native --prefix {prefix}");
        await Shell.RunAsync(
            $"gcc -O2 -Wall -Wextra -Werror -o {prefix}/ring_load {source} -I{prefix}/include -L{prefix}/lib -lhf3fs_api_shared");
        var command = $"LD_LIBRARY_PATH={prefix}/lib exec {prefix}/ring_load {_cluster.Mount}";
        using var load = Shell.Start(command);
        await PassRoundsAsync(load, 2);

        var victim = (await _cluster.StatusAsync()).NodeAt(chain: 0, position: 0);
        await Harness.Cluster.KillAsync(victim);
        await PassRoundsAsync(load, 2);
        await _cluster.UpAsync();
        await _cluster.WaitUntilAllServeAsync();
        await PassRoundsAsync(load, 2);

        // The application hears of it, though it waits without a limit.
        var semaphores = await SemaphoresAsync();
        var mount = (await _cluster.StatusAsync()).Mount;
        await Shell.RunAsync($"kill -9 {mount.Pid}");
        var ended = await load.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.True(ended.ExitCode == 3 && ended.Output.EndsWith("the mount is gone\n", StringComparison.Ordinal), ended.Output);

        // The next mount begins with what is its own, and takes away what is nobody's.
        Assert.All(semaphores, path => Assert.True(File.Exists(path), $"{path} was left behind"));
        await _cluster.UpAsync();
        Assert.All(semaphores, path => Assert.False(File.Exists(path), $"{path} is still there"));
        Assert.All(await SemaphoresAsync(), path => Assert.True(File.Exists(path), $"{path} is missing"));
        using var again = Shell.Start(command);
        await PassRoundsAsync(again, 2);
    }

    private async Task<string[]> SemaphoresAsync() =>
        (await Shell.RunAsync($"readlink {_cluster.Mount}/3fs-virt/iovs/submit-ios*")).Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private static async Task PassRoundsAsync(RunningCommand load, int count)
    {
        var goal = Rounds(load) + count;
        for (var end = DateTime.UtcNow + TimeSpan.FromMinutes(3); Rounds(load) < goal; await Task.Delay(50))
        {
            Assert.False(load.HasExited, $"the load ended:\n{load.OutputSoFar}");
            Assert.True(DateTime.UtcNow < end, $"the load makes no progress:\n{load.OutputSoFar}");
        }
    }

    private static int Rounds(RunningCommand load) => Regex.Count(load.OutputSoFar, "^round ", RegexOptions.Multiline);

    private static string Here([CallerFilePath] string here = "") => here;
}
