using System.Diagnostics;
using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Fuse.Protocol;
using ThreeFs.Fuse.Session;
using ThreeFs.Fuse.Tests.Support;

namespace ThreeFs.Fuse.Tests.Session;

/// <summary>Requests whose servers do not answer.</summary>
public sealed class WaitingTests
{
    private const int SigKill = 9, SigTerm = 15;

    /// <summary>It closes its files when it is dead already, and no signal reaches it any more.</summary>
    [Theory]
    [InlineData(SigKill)]
    [InlineData(SigTerm)]
    public async Task A_killed_process_does_not_wait_for_the_report_of_its_open_file(int signal)
    {
        var cluster = await ClusterFixture.CreateAsync();
        var (meta, control) = LossyMeta.Around(cluster.Meta);
        await using var mount = cluster.Mount(meta: meta);
        using var process = Command.Start($"exec 3> {mount.At("f")}; echo written >&3; echo ready; exec sleep 1000");
        Assert.Equal("ready", await process.StandardOutput.ReadLineAsync());
        control.Hangs = nameof(IMetaService.SyncAsync);
        Posix.Kill(process.Id, signal);
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(30));
        control.Hangs = null;
        await mount.SettleAsync();
        Assert.Equal("written\n", await File.ReadAllTextAsync(mount.At("f")));
    }

    [Fact]
    public async Task A_process_that_ends_by_itself_waits_for_its_report()
    {
        var cluster = await ClusterFixture.CreateAsync();
        await using var a = cluster.Mount();
        await using var b = cluster.Mount();
        for (var i = 0; i < 20; i++)
        {
            await Command.ShellAsync($"exec 3>> {a.At("f")}; echo {i} >&3; exit 0");
            Assert.Equal(i + 1, (await File.ReadAllLinesAsync(b.At("f"))).Length);
        }
    }

    [Fact]
    public async Task An_operation_of_several_calls_ends_by_the_deadline_of_one()
    {
        var cluster = await ClusterFixture.CreateAsync();
        var deadline = TimeSpan.FromSeconds(1);
        await using var mount = cluster.Mount(session: new FuseSessionOptions { Deadline = deadline });
        var file = Posix.MustOpen(mount.At("f"), Posix.O_RDWR | Posix.O_CREAT | Posix.O_DIRECT);
        cluster.Contents.Before = async (_, ct) =>
        {
            var given = new TaskCompletionSource();
            await using var registration = ct.Register(() => given.SetResult());
            await given.Task;
            return StatusCode.Cancelled;
        };
        var started = Stopwatch.GetTimestamp();
        var memory = Posix.Aligned(4096);
        Assert.Equal(Errno.EIO, Posix.Result(Posix.PWrite(file, memory, 4096, 0)));
        Assert.InRange(Stopwatch.GetElapsedTime(started), deadline, TimeSpan.FromSeconds(30));
        cluster.Contents.Before = null;
        Assert.Equal(4096, Posix.PWrite(file, memory, 4096, 0));
        Posix.Free(memory);
        Posix.Close(file);
    }
}
