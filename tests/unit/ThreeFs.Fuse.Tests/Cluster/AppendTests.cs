using System.Text;
using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Fuse.Tests.Support;

namespace ThreeFs.Fuse.Tests.Cluster;

/// <summary>O_APPEND through two mounts of one cluster.</summary>
public sealed class AppendTests
{
    [Fact]
    public async Task Appends_through_two_mounts_in_turn_keep_every_line()
    {
        var cluster = await ClusterFixture.CreateAsync();
        await using var a = cluster.Mount();
        await using var b = cluster.Mount();
        for (var i = 0; i < 60; i++)
        {
            var file = Posix.MustOpen((i % 2 == 0 ? a : b).At("f"), Posix.O_WRONLY | Posix.O_CREAT | Posix.O_APPEND);
            Append(file, $"{i:d3}\n");
            Assert.Equal(0, Posix.Close(file));
        }

        var lines = Enumerable.Range(0, 60).Select(i => $"{i:d3}");
        Assert.Equal(lines, await File.ReadAllLinesAsync(a.At("f")));
        Assert.Equal(lines, await File.ReadAllLinesAsync(b.At("f")));
    }

    [Fact]
    public async Task Files_that_stay_open_append_behind_each_other()
    {
        var cluster = await ClusterFixture.CreateAsync();
        await using var a = cluster.Mount();
        await using var b = cluster.Mount();
        var first = Posix.MustOpen(a.At("f"), Posix.O_WRONLY | Posix.O_CREAT | Posix.O_APPEND);
        var second = Posix.MustOpen(b.At("f"), Posix.O_WRONLY | Posix.O_APPEND);
        for (var i = 0; i < 40; i++) Append(i % 3 == 0 ? second : first, $"{i:d3}\n");
        Posix.Close(first);
        Posix.Close(second);
        Assert.Equal(Enumerable.Range(0, 40).Select(i => $"{i:d3}"), await File.ReadAllLinesAsync(a.At("f")));
    }

    [Fact]
    public async Task Concurrent_appends_lose_and_tear_nothing()
    {
        var cluster = await ClusterFixture.CreateAsync();
        await using var a = cluster.Mount();
        await using var b = cluster.Mount();
        await Command.ShellAsync(
            $"for m in {a.Mount.Root} {b.Mount.Root}; do for w in 1 2; do (for i in $(seq 100); do "
            + "echo $m-$w-$i >> $m/f; done) & done; done; wait");
        var lines = await File.ReadAllLinesAsync(a.At("f"));
        Assert.Equal(400, lines.Length);
        Assert.Equal(400, lines.Distinct().Count());
        Assert.All(lines, line => Assert.Matches("^/.*-[12]-[0-9]+$", line));
    }

    [Fact]
    public async Task An_append_goes_behind_what_this_mount_wrote_and_has_not_told()
    {
        var cluster = await ClusterFixture.CreateAsync();
        await using var a = cluster.Mount();
        var writer = Posix.MustOpen(a.At("f"), Posix.O_WRONLY | Posix.O_CREAT);
        var appender = Posix.MustOpen(a.At("f"), Posix.O_WRONLY | Posix.O_APPEND);
        Append(writer, "written ");
        Append(appender, "appended");
        Posix.Close(writer);
        Posix.Close(appender);
        Assert.Equal("written appended", await File.ReadAllTextAsync(a.At("f")));
    }

    [Fact]
    public async Task A_flag_added_or_taken_away_after_the_open_counts()
    {
        var cluster = await ClusterFixture.CreateAsync();
        await using var a = cluster.Mount();
        await using var b = cluster.Mount();
        await File.WriteAllTextAsync(a.At("f"), "0123");
        var added = Posix.MustOpen(a.At("f"), Posix.O_RDWR);
        await File.AppendAllTextAsync(b.At("f"), "4567");
        Assert.Equal(0, Posix.SetFlags(added, Posix.O_APPEND));
        Append(added, "89");
        Assert.Equal("0123456789", await File.ReadAllTextAsync(a.At("f")));
        Posix.Close(added);

        var taken = Posix.MustOpen(a.At("f"), Posix.O_WRONLY | Posix.O_APPEND);
        Assert.Equal(0, Posix.SetFlags(taken, 0));
        Append(taken, "abcdefghijkl");
        await File.AppendAllTextAsync(b.At("f"), "m");
        Posix.Close(taken);
        Assert.Equal("abcdefghijklm", await File.ReadAllTextAsync(b.At("f")));
    }

    [Fact]
    public async Task A_failed_append_leaves_a_hole_and_the_next_one_goes_behind_it()
    {
        var cluster = await ClusterFixture.CreateAsync();
        await using var a = cluster.Mount();
        var file = Posix.MustOpen(a.At("f"), Posix.O_WRONLY | Posix.O_CREAT | Posix.O_APPEND);
        cluster.Contents.Before = (_, _) => new(StatusCode.IoError);
        Assert.Equal(-1, TryAppend(file, "lost"));
        cluster.Contents.Before = null;
        Append(file, "kept");
        Posix.Close(file);
        Assert.Equal("\0\0\0\0kept", await File.ReadAllTextAsync(a.At("f")));
    }

    private static void Append(int file, string text) => Assert.Equal(text.Length, TryAppend(file, text));

    private static unsafe nint TryAppend(int file, string text)
    {
        var bytes = Encoding.ASCII.GetBytes(text);
        fixed (byte* p = bytes) return Posix.Write(file, (nint)p, bytes.Length);
    }
}
