using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Fuse.Cluster;
using ThreeFs.Fuse.Tests.Support;

namespace ThreeFs.Fuse.Tests.Cluster;

/// <summary>Two clients of one cluster, and what the metadata service knows of a client's open files.</summary>
public sealed class SharingTests
{
    private static readonly ClusterOptions _eager = new()
    {
        AttrTimeout = TimeSpan.Zero, EntryTimeout = TimeSpan.Zero, SyncInterval = TimeSpan.Zero,
            KeepOpenAfter = TimeSpan.Zero,
    };

    [Fact]
    public async Task What_one_client_wrote_and_closed_another_reads()
    {
        var cluster = await ClusterFixture.CreateAsync();
        await using var a = cluster.Mount(_eager);
        await using var b = cluster.Mount(_eager);
        for (var i = 0; i < 5; i++)
        {
            var text = new string((char)('a' + i), 10_000 * (5 - i));
            await File.WriteAllTextAsync(a.At("f"), text);
            Assert.Equal(text, await File.ReadAllTextAsync(b.At("f")));
        }
    }

    [Fact]
    public async Task A_file_open_for_writing_is_reported_from_time_to_time()
    {
        var cluster = await ClusterFixture.CreateAsync();
        await using var a = cluster.Mount(_eager);
        await using var b = cluster.Mount(_eager);
        await using var file = new FileStream(a.At("f"), FileMode.Create, FileAccess.Write, FileShare.ReadWrite, 0);
        file.Write(new byte[5000]);
        Assert.Equal(5000, new FileInfo(a.At("f")).Length);
        await a.FileSystem.RunHousekeepingAsync(default);
        Assert.Equal(5000, new FileInfo(b.At("f")).Length);
    }

    [Fact]
    public async Task A_file_removed_by_another_client_stays_readable_once_its_reader_is_registered()
    {
        var cluster = await ClusterFixture.CreateAsync();
        await using var a = cluster.Mount(_eager);
        await using var b = cluster.Mount(_eager);
        await File.WriteAllTextAsync(a.At("f"), "content");
        await using (var file = new FileStream(a.At("f"), FileMode.Open, FileAccess.Read, FileShare.ReadWrite, 0))
        {
            await a.FileSystem.RunHousekeepingAsync(default);
            File.Delete(b.At("f"));
            Assert.Equal(0, await cluster.CollectGarbageAsync());
            var bytes = new byte[20];
            Assert.Equal(7, file.Read(bytes));
        }

        await a.SettleAsync();
        await a.FileSystem.RunHousekeepingAsync(default);
        Assert.Equal(1, await cluster.CollectGarbageAsync());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_file_removed_or_replaced_here_is_collected_after_its_last_close(bool replaced)
    {
        var cluster = await ClusterFixture.CreateAsync();
        await using var a = cluster.Mount(_eager);
        await File.WriteAllTextAsync(a.At("f"), "content");
        await File.WriteAllTextAsync(a.At("g"), "other");
        var old = (await cluster.Meta.LookupAsync(a.Context.Self(), InodeId.Root, FileName.FromText("f"),
            default)).Value.Id;
        await using (var file = new FileStream(a.At("f"), FileMode.Open, FileAccess.Read, FileShare.ReadWrite, 0))
        {
            if (replaced) File.Move(a.At("g"), a.At("f"), overwrite: true);
            else File.Delete(a.At("f"));
            Assert.Equal(0, await cluster.CollectGarbageAsync());
            Assert.Equal(7, file.Read(new byte[20]));
        }

        await a.SettleAsync();
        await a.FileSystem.RunHousekeepingAsync(default);
        Assert.Equal(1, await cluster.CollectGarbageAsync());
        Assert.DoesNotContain(old, cluster.Contents.Files);
    }

    [Fact]
    public async Task Fsync_flushes_storage()
    {
        var cluster = await ClusterFixture.CreateAsync();
        await using var a = cluster.Mount(_eager);
        await using var file = new FileStream(a.At("f"), FileMode.Create, FileAccess.Write, FileShare.ReadWrite, 0);
        file.Write(new byte[5000]);
        Assert.Equal(0, cluster.Contents.Flushes);
        file.Flush(flushToDisk: true);
        Assert.Equal(1, cluster.Contents.Flushes);
        var attr = (await cluster.Meta.LookupAsync(a.Context.Self(), InodeId.Root, FileName.FromText("f"),
            default)).Value;
        Assert.Equal(5000, attr.Length);
    }

    [Fact]
    public async Task A_set_length_reaches_the_content_before_the_next_flush()
    {
        var cluster = await ClusterFixture.CreateAsync();
        await using var a = cluster.Mount(_eager);
        await using var file = new FileStream(a.At("f"), FileMode.Create, FileAccess.Write, FileShare.ReadWrite, 0);
        file.Write(new byte[5000]);
        var before = cluster.Contents.Truncations;
        file.SetLength(100);
        Assert.Equal(before + 1, cluster.Contents.Truncations);
        Assert.Equal(100, new FileInfo(a.At("f")).Length);
    }

    [Fact]
    public async Task Nothing_is_left_when_everything_is_closed()
    {
        var cluster = await ClusterFixture.CreateAsync();
        ClusterMount a;
        await using (a = cluster.Mount())
        {
            await Command.ShellAsync($"cd {a.Mount.Root} && mkdir d && for i in $(seq 50); do echo $i > d/$i; cat d/$i > /dev/null; done; ls -l d; rm -r d");
        }

        Assert.Equal(0, a.Context.Files.Count);
        Assert.Equal(0, a.Context.Directories.Count);
        Assert.Equal(50, await cluster.CollectGarbageAsync());
    }
}
