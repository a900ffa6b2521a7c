using ThreeFs.Cluster.Tests.Harness;

namespace ThreeFs.Cluster.Tests;

/// <summary>The ladder runs on every rung and leaves nothing behind. What it measures is no matter of a test.</summary>
[Collection(SharedClusterCollection.Name)]
public sealed class BenchTests(SharedCluster shared)
{
    [Fact]
    public async Task The_ladder_has_every_rung_and_leaves_no_file()
    {
        var output = await Shell.RunAsync($"{Harness.Cluster.ThreeFs} bench --dir {shared.Cluster.Directory} --rounds 1 --seconds 0.1 2>/dev/null");
        foreach (var rung in new[] { "raw", "chunk", "tcp", "chain", "file", "mount" }) Assert.Contains(rung, output);
        Assert.Contains("CPU µs AN OPERATION", output);
        Assert.Matches("[0-9.]+ bytes to the device for each byte .*, [0-9.]+ updates for each flush", output);
        Assert.Equal(19, output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.Empty(Directory.EnumerateFileSystemEntries(shared.Cluster.Mount, ".threefs-bench*"));
        Assert.Empty(Directory.EnumerateFileSystemEntries(shared.Cluster.Directory, ".threefs-bench*"));
    }
}
