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
    public async Task A_rename_between_write_and_close_does_not_keep_the_time_of_the_write()
    {
        var cluster = await ClusterFixture.CreateAsync();
        await using var a = cluster.Mount(_eager);
        await File.WriteAllTextAsync(a.At("f"), "old");
        File.SetLastWriteTimeUtc(a.At("f"), new DateTime(2001, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        await using (var file = new FileStream(a.At("f"), FileMode.Open, FileAccess.Write, FileShare.ReadWrite, 0))
        {
            file.Write("new"u8);
            File.Move(a.At("f"), a.At("g"));
        }

        await using var b = cluster.Mount(_eager);
        Assert.True(File.GetLastWriteTimeUtc(b.At("g")).Year > 2001);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Pages_of_old_bytes_are_dropped_whatever_happens_to_the_inode_before_the_writer_closes(bool setsTime)
    {
        var cluster = await ClusterFixture.CreateAsync();
        await using var a = cluster.Mount(_eager);
        await using var b = cluster.Mount(_eager);
        await File.WriteAllTextAsync(a.At("f"), "old bytes");
        await a.SettleAsync();
        Assert.Equal("old bytes", await File.ReadAllTextAsync(b.At("f")));
        var before = File.GetLastWriteTimeUtc(b.At("f"));
        Assert.Equal("old bytes", await File.ReadAllTextAsync(b.At("f")));
        await using (var file = new FileStream(a.At("f"), FileMode.Open, FileAccess.Write, FileShare.ReadWrite, 0))
        {
            file.Write("new bytes"u8);
            if (setsTime) File.SetLastWriteTimeUtc(b.At("f"), before);
            else await ChmodAsync(cluster, b);
            Assert.Equal(before, File.GetLastWriteTimeUtc(b.At("f")));
        }

        Assert.Equal("new bytes", await File.ReadAllTextAsync(b.At("f")));
    }

    /// <summary>Without a child process, which would close the writer's descriptor once more.</summary>
    private static async Task ChmodAsync(ClusterFixture cluster, ClusterMount mount)
    {
        var file = await cluster.Meta.LookupAsync(mount.Context.Self(), InodeId.Root, FileName.FromText("f"), default);
        var change = new AttrChange(SetAttrMask.Mode) { Mode = 0x180 };
        (await cluster.Meta.SetAttrAsync(mount.Context.Self(), file.Value.Id, change, default)).Status.ThrowIfFailed();
    }

    [Fact]
    public async Task A_write_beside_an_open_that_truncates_is_not_forgotten()
    {
        var cluster = await ClusterFixture.CreateAsync();
        await using var a = cluster.Mount(_eager);
        await File.WriteAllTextAsync(a.At("f"), "old");
        await using var writer = new FileStream(a.At("f"), FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, 0);
        writer.Write(new byte[10]);
        var isCut = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var wrote = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        cluster.Contents.AfterTruncation = () =>
        {
            cluster.Contents.AfterTruncation = null;
            isCut.SetResult();
            return wrote.Task;
        };
        var opening = Task.Run(() => Posix.MustOpen(a.At("f"), Posix.O_WRONLY | Posix.O_TRUNC));
        await isCut.Task;
        writer.Position = 0;
        writer.Write("acknowledged"u8);
        wrote.SetResult();
        Posix.Close(await opening);
        Assert.Equal(12, new FileInfo(a.At("f")).Length);
        await using var b = cluster.Mount(_eager);
        Assert.Equal("acknowledged", await File.ReadAllTextAsync(b.At("f")));
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
    public async Task A_name_lost_while_others_remain_leaves_nothing_behind_the_last_close()
    {
        var cluster = await ClusterFixture.CreateAsync();
        await using var a = cluster.Mount(new ClusterOptions());
        await File.WriteAllTextAsync(a.At("f"), "content");
        await using (new FileStream(a.At("f"), FileMode.Open, FileAccess.Read, FileShare.ReadWrite, 0))
        {
            Assert.Equal(0, Posix.Link(a.At("f"), a.At("g")));
            File.Delete(a.At("f"));
        }

        await a.SettleAsync();
        await a.FileSystem.RunHousekeepingAsync(default);
        File.Delete(a.At("g"));
        Assert.Equal(1, await cluster.CollectGarbageAsync());
    }

    [Fact]
    public async Task An_unlink_whose_answer_is_lost_keeps_the_open_file_and_no_longer()
    {
        var cluster = await ClusterFixture.CreateAsync();
        var (meta, control) = LossyMeta.Around(cluster.Meta);
        await using var a = cluster.Mount(new ClusterOptions(), meta);
        await File.WriteAllTextAsync(a.At("f"), "content");
        await a.SettleAsync();
        await using (var file = new FileStream(a.At("f"), FileMode.Open, FileAccess.Read, FileShare.ReadWrite, 0))
        {
            control.LosesAnswerOf = nameof(IMetaService.UnlinkAsync);
            Assert.NotEqual(0, Posix.Unlink(a.At("f")));
            Assert.Equal(0, await cluster.CollectGarbageAsync());
            Assert.Equal(7, file.Read(new byte[20]));
        }

        await a.SettleAsync();
        await a.FileSystem.RunHousekeepingAsync(default);
        Assert.Equal(1, await cluster.CollectGarbageAsync());
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
    public async Task Syncing_the_file_system_flushes_content_and_reports_lengths()
    {
        var cluster = await ClusterFixture.CreateAsync();
        await using var a = cluster.Mount(new ClusterOptions());
        await using var file = new FileStream(a.At("f"), FileMode.Create, FileAccess.Write, FileShare.ReadWrite, 0);
        file.Write(new byte[5000]);
        Assert.True((await a.FileSystem.SyncAllAsync(default)).IsOk);
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
