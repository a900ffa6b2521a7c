using System.Diagnostics;
using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Contracts.Mgmtd;
using ThreeFs.Fuse.Protocol;
using ThreeFs.Fuse.Tests.Support;

namespace ThreeFs.Fuse.Tests.Cluster;

/// <summary>fcntl(2) and flock(2) through two mounts of one cluster.</summary>
public sealed class LockTests
{
    private const int CloseOnExec = 0x80000;
    private const int Open = Posix.O_RDWR | Posix.O_CREAT | CloseOnExec;
    private const int SigKill = 9;

    [Fact]
    public async Task Flock_holds_between_mounts_until_it_is_given_back_or_closed()
    {
        var cluster = await ClusterFixture.CreateAsync();
        await using var a = cluster.Mount();
        await using var b = cluster.Mount();
        var (one, two) = (Posix.MustOpen(a.At("f"), Open), Posix.MustOpen(b.At("f"), Open));
        Assert.Equal(Errno.Ok, FLock(one, Posix.LOCK_EX));
        Assert.Equal(Errno.EAGAIN, FLock(two, Posix.LOCK_EX | Posix.LOCK_NB));
        Assert.Equal(Errno.EAGAIN, FLock(two, Posix.LOCK_SH | Posix.LOCK_NB));
        Assert.Equal(Errno.Ok, FLock(one, Posix.LOCK_UN));
        Assert.Equal(Errno.Ok, FLock(two, Posix.LOCK_SH | Posix.LOCK_NB));
        Assert.Equal(Errno.Ok, FLock(one, Posix.LOCK_SH | Posix.LOCK_NB));
        Assert.Equal(Errno.EAGAIN, FLock(one, Posix.LOCK_EX | Posix.LOCK_NB));
        Posix.Close(two);
        await b.SettleAsync();
        Assert.Equal(Errno.Ok, FLock(one, Posix.LOCK_EX | Posix.LOCK_NB));
        Posix.Close(one);
        await a.SettleAsync();
        Assert.Equal(0, a.Context.Locks.Count + b.Context.Locks.Count);
    }

    [Fact]
    public async Task Ranges_hold_between_mounts_until_any_descriptor_is_closed()
    {
        var cluster = await ClusterFixture.CreateAsync();
        await using var a = cluster.Mount();
        await using var b = cluster.Mount();
        var (one, two) = (Posix.MustOpen(a.At("f"), Open), Posix.MustOpen(b.At("f"), Open));
        Assert.Equal(Errno.Ok, Posix.Lock(one, Posix.F_WRLCK, 10, 10));
        Assert.Equal(Errno.Ok, Posix.Lock(two, Posix.F_WRLCK, 0, 10));
        Assert.Equal(Errno.EAGAIN, Posix.Lock(two, Posix.F_RDLCK, 19, 1));
        var asked = new Posix.FileLock { Type = Posix.F_RDLCK, Start = 0, Length = 0 };
        Assert.Equal(Errno.Ok, Posix.Lock(two, Posix.F_GETLK, ref asked));
        Assert.Equal((Posix.F_WRLCK, 10, 10), (asked.Type, asked.Start, asked.Length));
        Assert.Equal(Errno.Ok, Posix.Lock(one, Posix.F_UNLCK, 15, 0));
        Assert.Equal(Errno.Ok, Posix.Lock(two, Posix.F_RDLCK, 19, 1));
        Posix.Close(Posix.MustOpen(a.At("f"), Posix.O_RDONLY));
        Assert.Equal(Errno.Ok, Posix.Lock(two, Posix.F_WRLCK));
        asked = new Posix.FileLock { Type = Posix.F_WRLCK };
        Assert.Equal(Errno.Ok, Posix.Lock(two, Posix.F_GETLK, ref asked));
        Assert.Equal(Posix.F_UNLCK, asked.Type);
        Posix.Close(one);
        Posix.Close(two);
        await b.SettleAsync();
        Assert.Equal(0, a.Context.Locks.Count + b.Context.Locks.Count);
    }

    [Fact]
    public async Task A_lock_of_an_open_file_goes_with_its_last_descriptor()
    {
        var cluster = await ClusterFixture.CreateAsync();
        await using var a = cluster.Mount();
        await using var b = cluster.Mount();
        var (one, two) = (Posix.MustOpen(a.At("f"), Open), Posix.MustOpen(b.At("f"), Open));
        var ofFile = new Posix.FileLock { Type = Posix.F_WRLCK };
        Assert.Equal(Errno.Ok, Posix.Lock(one, Posix.F_OFD_SETLK, ref ofFile));
        Posix.Close(Posix.MustOpen(a.At("f"), Posix.O_RDONLY));
        Assert.Equal(Errno.EAGAIN, Posix.Lock(two, Posix.F_WRLCK));
        Posix.Close(one);
        await a.SettleAsync();
        Assert.Equal(Errno.Ok, Posix.Lock(two, Posix.F_WRLCK));
        Posix.Close(two);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_waiter_gets_the_lock_when_it_is_given_back(bool onTheSameMount)
    {
        var cluster = await ClusterFixture.CreateAsync();
        await using var a = cluster.Mount();
        await using var b = cluster.Mount();
        var held = Posix.MustOpen(a.At("f"), Open);
        Assert.Equal(Errno.Ok, FLock(held, Posix.LOCK_EX));
        using var waiter = Command.Start($"flock {(onTheSameMount ? a : b).At("f")} echo got it");
        await UntilAsync(() => InFlight(a) + InFlight(b) > 0);
        await Task.Delay(200);
        Assert.False(waiter.HasExited);
        Posix.Close(held);
        await waiter.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal("got it\n", await waiter.StandardOutput.ReadToEndAsync());
    }

    [Fact]
    public async Task Any_signal_ends_a_wait_and_nothing_is_held_afterwards()
    {
        var cluster = await ClusterFixture.CreateAsync();
        await using var a = cluster.Mount();
        await using var b = cluster.Mount();
        var held = Posix.MustOpen(a.At("f"), Open);
        Assert.Equal(Errno.Ok, FLock(held, Posix.LOCK_EX));
        Assert.Equal(1, (await Command.TryShellAsync($"flock -w 0.3 {b.At("f")} true")).Code);
        using var waiter = Command.Start($"exec flock {b.At("f")} true");
        await UntilAsync(() => InFlight(b) > 0);
        Posix.Kill(waiter.Id, SigKill);
        await waiter.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(30));
        await b.SettleAsync();
        Posix.Close(held);
        await a.SettleAsync();
        Assert.Equal(0, (await Command.TryShellAsync($"flock -n {b.At("f")} true")).Code);
    }

    [Fact]
    public async Task Two_processes_of_a_mount_that_wait_for_each_other_are_told()
    {
        var cluster = await ClusterFixture.CreateAsync();
        await using var a = cluster.Mount();
        var other = await RingAsync(a);
        Assert.Equal("35", other);
    }

    [Fact]
    public async Task Whoever_gets_a_lock_sees_what_its_predecessor_wrote()
    {
        var cluster = await ClusterFixture.CreateAsync();
        var lazy = new Fuse.Cluster.ClusterOptions
        {
            AttrTimeout = TimeSpan.FromHours(1), EntryTimeout = TimeSpan.FromHours(1), SyncInterval = TimeSpan.FromHours(1),
        };
        await using var a = cluster.Mount(lazy);
        await using var b = cluster.Mount(lazy);
        await File.WriteAllTextAsync(a.At("f"), "0");
        int[] files = [Posix.MustOpen(a.At("f"), Posix.O_RDWR), Posix.MustOpen(b.At("f"), Posix.O_RDWR)];
        for (var i = 0; i < 40; i++)
        {
            var file = files[i % 2];
            Assert.Equal(Errno.Ok, Posix.Lock(file, Posix.F_WRLCK));
            Assert.Equal(i, int.Parse(Read(file)));
            Write(file, $"{i + 1}");
            Assert.Equal(Errno.Ok, Posix.Lock(file, Posix.F_UNLCK));
        }

        foreach (var file in files) Posix.Close(file);
    }

    [Fact]
    public async Task A_dead_mounts_locks_are_given_back()
    {
        var cluster = await ClusterFixture.CreateAsync();
        await using var a = cluster.Mount();
        await using var b = cluster.Mount();
        var (one, two) = (Posix.MustOpen(a.At("f"), Open), Posix.MustOpen(b.At("f"), Open));
        Assert.Equal(Errno.Ok, FLock(one, Posix.LOCK_EX));
        await cluster.CollectGarbageAsync();
        var alive = new ClientSessions(false, [new ClientSession(b.Context.Client, "", "", 1, default, default)]);
        Assert.Equal(1, (await cluster.Meta.Locks.RunRoundAsync(alive, default)).Value);
        Assert.Equal(Errno.Ok, FLock(two, Posix.LOCK_EX | Posix.LOCK_NB));
        Posix.Close(one);
        Posix.Close(two);
    }

    [Fact]
    public async Task What_cannot_be_given_back_at_close_is_given_back_later()
    {
        var cluster = await ClusterFixture.CreateAsync();
        var (meta, control) = LossyMeta.Around(cluster.Meta);
        await using var a = cluster.Mount(meta: meta);
        await using var b = cluster.Mount();
        var (one, two) = (Posix.MustOpen(a.At("f"), Open), Posix.MustOpen(b.At("f"), Open));
        Assert.Equal(Errno.Ok, Posix.Lock(one, Posix.F_WRLCK));
        control.Refuses = nameof(IMetaService.SetLockAsync);
        Posix.Close(one);
        Assert.Equal(Errno.EAGAIN, Posix.Lock(two, Posix.F_WRLCK));
        control.Refuses = null;
        await a.FileSystem.RunHousekeepingAsync(default);
        Assert.Equal(Errno.Ok, Posix.Lock(two, Posix.F_WRLCK));
        Posix.Close(two);
    }

    /// <summary>A ring of two processes; the error number that one of them got.</summary>
    private static async Task<string> RingAsync(ClusterMount mount)
    {
        await Command.ShellAsync(
            $$"""
            cat > {{mount.At("ring.c")}} <<'C'
            #include <errno.h>
            #include <fcntl.h>
            #include <stdio.h>
            #include <sys/wait.h>
            #include <unistd.h>
            static int lock(int fd, int cmd, off_t at) {
                struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = at, .l_len = 1 };
                return fcntl(fd, cmd, &l) ? errno : 0;
            }
            int main(int n, char **v) {
                int ready[2], go[2]; char c;
                if (pipe(ready) || pipe(go)) return 1;
                int fd = open(v[1], O_RDWR | O_CREAT, 0644);
                if (lock(fd, F_SETLK, 0)) return 3;
                if (fork() == 0) {
                    if (lock(fd, F_SETLK, 1)) return 2;
                    write(ready[1], "x", 1);
                    int e = lock(fd, F_SETLKW, 0);
                    if (e) printf("%d", e);
                    return 0;
                }
                read(ready[0], &c, 1);
                int e = lock(fd, F_SETLKW, 1);
                if (e) printf("%d", e);
                struct flock u = { .l_type = F_UNLCK, .l_whence = SEEK_SET };
                fcntl(fd, F_SETLK, &u);
                wait(0);
                return 0;
            }
            C
            gcc -w -o {{mount.Mount.Root}}-ring {{mount.At("ring.c")}}
            """);
        return await Command.ShellAsync($"timeout 60 {mount.Mount.Root}-ring {mount.At("f")}");
    }

    private static Errno FLock(int file, int operation) => Posix.Result(Posix.FLock(file, operation));

    private static int InFlight(ClusterMount mount) => mount.Mount.Session.InFlight;

    private static async Task UntilAsync(Func<bool> reached)
    {
        var started = Stopwatch.GetTimestamp();
        while (!reached() && Stopwatch.GetElapsedTime(started) < TimeSpan.FromSeconds(30)) await Task.Delay(10);
        Assert.True(reached());
    }

    private static unsafe string Read(int file)
    {
        var bytes = stackalloc byte[20];
        var length = Posix.PRead(file, (nint)bytes, 20, 0);
        return System.Text.Encoding.ASCII.GetString(bytes, (int)length);
    }

    private static unsafe void Write(int file, string text)
    {
        fixed (byte* p = System.Text.Encoding.ASCII.GetBytes(text)) Assert.Equal(text.Length, Posix.PWrite(file, (nint)p, text.Length, 0));
    }
}
