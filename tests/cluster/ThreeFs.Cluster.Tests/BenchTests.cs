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

    [Fact]
    public async Task The_whole_ladder_writes_its_page_and_leaves_no_file()
    {
        var directory = Directory.CreateTempSubdirectory("ladder-").FullName;
        try
        {
            await Shell.RunAsync(
                $"{Harness.Cluster.ThreeFs} bench ladder --dir {shared.Cluster.Directory} --load '4KiB ×8' --file-size 16MiB "
                + $"--rounds 1 --seconds 0.1 --output {directory}/page.md");
            var numbers = await File.ReadAllLinesAsync($"{directory}/page.csv");
            string[] rungs = ["fio", "raw", "chunk", "chain×3", "file", "ring", "mount"];
            string[] loads = ["random read 4KiB ×8", "sequential read 4KiB ×8", "random write 4KiB ×8", "sequential write 4KiB ×8"];
            Assert.Equal(
                loads.SelectMany(load => rungs.Select(rung => $"{load},{rung}")),
                numbers.Skip(1).Select(line => string.Join(',', line.Split(',')[..2])));
            Assert.All(numbers.Skip(1), line => Assert.Matches("^[^,]*,[^,]*,[1-9]", line)); // each did something
            Assert.Contains("(page.svg)", await File.ReadAllTextAsync($"{directory}/page.md"));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }

        Assert.Empty(Directory.EnumerateFileSystemEntries(shared.Cluster.Mount, ".threefs-ladder*"));
        Assert.Empty(Directory.EnumerateFileSystemEntries(shared.Cluster.Directory, ".threefs-ladder*"));
    }
}
