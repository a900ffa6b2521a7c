using ThreeFs.Cluster.Tests.Harness;

namespace ThreeFs.Cluster.Tests;

/// <summary>A tree with thousands of files, symlinks and hard links is the same after the copy, and after the cluster was down.</summary>
public sealed class CopyTreeTests
{
    private const int Files = 3000;

    [Fact]
    public async Task A_copied_tree_is_the_same_also_after_down_and_up()
    {
        var source = Directory.CreateTempSubdirectory("tree-").FullName;
        await using var cluster = await Harness.Cluster.StartAsync();
        try
        {
            await MakeTreeAsync(source);
            await Shell.RunAsync($"cp -a {source}/. {cluster.Mount}/tree");
            await AssertSameAsync(source, $"{cluster.Mount}/tree");

            await cluster.DownAsync();
            Assert.False(Directory.Exists($"{cluster.Mount}/tree"), "down unmounts");
            await cluster.UpAsync();
            await AssertSameAsync(source, $"{cluster.Mount}/tree");
            await cluster.FsckAsync();
        }
        finally
        {
            Directory.Delete(source, recursive: true);
        }
    }

    // diff calls any two fifos different; rsync compares them.
    private static async Task AssertSameAsync(string source, string copy)
    {
        await Shell.RunAsync($"diff -r --no-dereference --exclude=fifo {source} {copy}");
        Assert.Equal("", await Shell.RunAsync($"rsync -aHn --delete --itemize-changes {source}/ {copy}/"));
    }

    /// <summary>Sizes around the boundaries of pages and chunks, odd names and modes, old times; the same for every run.</summary>
    private static async Task MakeTreeAsync(string root)
    {
        var random = new Random(1);
        int[] sizes = [0, 1, 100, 4095, 4096, 4097, 65536, 70000, 1 << 20, (1 << 20) + 1, 3_000_000];
        for (var i = 0; i < Files; i++)
        {
            var directory = Directory.CreateDirectory(Path.Combine(root, $"d{i % 37}", i % 3 == 0 ? $"sub {i % 11}" : "s")).FullName;
            var bytes = new byte[i % 60 == 0 ? sizes[i / 60 % sizes.Length] : random.Next(0, 9000)];
            random.NextBytes(bytes);
            var path = Path.Combine(directory, $"file-{i}-ü");
            File.WriteAllBytes(path, bytes);
            File.SetUnixFileMode(path, (UnixFileMode)(i % 5 == 0 ? 0b100_000_000 : 0b110_100_100));
            File.SetLastWriteTimeUtc(path, DateTime.UnixEpoch.AddSeconds(i * 100_000.123456));
        }

        await Shell.RunAsync(
            """
            for i in $(seq 200); do ln -s "../d$((i % 37))/s/none-$i" "link-$i"; done
            for i in $(seq 200); do f=$(find d$((i % 37))/s -type f | sort | head -1); ln "$f" "hard-$i"; done
            ln -s / absolute; mkdir empty; mkfifo fifo; touch -h -d '2001-02-03 04:05:06.789' link-1; chmod 1777 empty
            """, root);
    }
}
