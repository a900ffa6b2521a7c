using ThreeFs.Fuse.Tests.Memory;
using ThreeFs.Fuse.Mounting;
using ThreeFs.Fuse.Native;
using ThreeFs.Fuse.Session;
using ThreeFs.Fuse.Tests.Support;

namespace ThreeFs.Fuse.Tests.Session;

/// <summary>The ends of a mount.</summary>
public sealed class UnmountTests
{
    [Fact]
    public async Task Unmounting_from_outside_completes_the_session()
    {
        await using var mount = MountFixture.Memory();
        Assert.False(mount.Session.Completion.IsCompleted);
        await Command.ShellAsync($"umount {mount.Root}");
        await mount.Session.Completion.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.DoesNotContain(mount.Root, await File.ReadAllTextAsync("/proc/mounts"));
    }

    [Fact]
    public async Task A_mount_in_use_is_taken_out_of_the_tree()
    {
        var mount = MountFixture.Memory();
        var fd = Posix.MustOpen(mount.At("a"), Posix.O_RDWR | Posix.O_CREAT);
        await mount.DisposeAsync();
        Assert.DoesNotContain(mount.Root, await File.ReadAllTextAsync("/proc/mounts"));
        Assert.Contains(mount.Log.Lines, l => l.Contains("is busy"));
        Posix.Close(fd);
    }

    [Fact]
    public async Task The_kernel_gives_back_what_it_was_told()
    {
        var fs = new MemoryFileSystem(TimeProvider.System);
        await using (var mount = MountFixture.Start(fs))
        {
            for (var i = 0; i < 100; i++) await File.WriteAllTextAsync(mount.At($"f{i}"), "x");
            Directory.CreateDirectory(mount.At("d"));
            foreach (var file in Directory.GetFiles(mount.Root)) File.Delete(file);
            await Command.ShellAsync($"ls -l {mount.Root}");
        }

        Assert.Equal(2, fs.NodeCount);
    }

    [Fact]
    public void A_dead_mount_is_removed_when_its_place_is_prepared()
    {
        var home = Directory.CreateTempSubdirectory("threefs-fuse-").FullName;
        var log = new RecordingLogger();
        try
        {
            var fd = FuseDevice.Open().Value;
            FuseDevice.Mount(fd, home, new FuseSessionOptions()).ThrowIfFailed();
            LibC.Close(fd);
            Assert.False(Directory.Exists(home));
            var prepared = MountPoint.Prepare(home, log);
            Assert.Equal(home, prepared.Value);
            Assert.Contains(log.Lines, l => l.StartsWith("Warning", StringComparison.Ordinal) && l.Contains(home));
            Assert.True(Directory.Exists(home));
        }
        finally
        {
            LibC.Unmount(home, LibC.MNT_DETACH);
            Directory.Delete(home);
        }
    }
}
