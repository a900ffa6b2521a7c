using System.Diagnostics;
using System.Text;
using ThreeFs.Contracts.Meta;
using ThreeFs.Fuse.Protocol;
using ThreeFs.Fuse.Rings;
using ThreeFs.Fuse.Tests.Rings;
using ThreeFs.Fuse.Tests.Support;
using ThreeFs.Fuse.Virtual;

namespace ThreeFs.Fuse.Tests.Virtual;

/// <summary>When registrations end, and what a mount cleans up that another one left.</summary>
[Collection(nameof(SharedArena))]
public sealed class IovRegistryTests
{
    [Fact]
    public void Registrations_end_with_the_last_directory_that_their_process_has_open()
    {
        using var registry = NewRegistry();
        using var file = new SharedMemoryFile(4096);
        foreach (var process in new uint[] { 0, 1234 }) // 0: a process of another pid namespace
        {
            var other = registry.Opened(process, uid: 5);
            var library = registry.Opened(process, uid: 0);
            var listing = registry.Opened(process, uid: 0);
            var name = Register(registry, file, process);
            registry.Closed(registry.Opened(process, uid: 0));
            registry.Closed(listing);
            registry.Closed(other);
            Assert.NotNull(registry.Find(name));
            registry.Closed(library);
            Assert.Null(registry.Find(name));
        }
    }

    [Fact]
    public async Task Without_a_directory_they_end_with_the_process()
    {
        using var registry = NewRegistry();
        using var file = new SharedMemoryFile(4096);
        using var process = Process.Start("sleep", "1000");
        var name = Register(registry, file, (uint)process.Id);
        using var watch = ProcessWatch.Of((uint)process.Id)!;
        Assert.False(watch.HasEnded);
        Assert.NotNull(registry.Find(name));
        process.Kill();
        await process.WaitForExitAsync();
        for (var i = 0; i < 1000 && registry.Find(name) is not null; i++) await Task.Delay(10);
        Assert.Null(registry.Find(name));
        Assert.True(watch.HasEnded);
        Assert.Null(ProcessWatch.Of(0));
    }

    [Fact]
    public void Semaphores_of_killed_mounts_are_removed_and_those_of_others_are_not()
    {
        using var living = SubmitSemaphore.Create().Value;
        var dead = living.Path[..^4] + "dead";
        var foreign = $"/dev/shm/sem.hf3fs-submit-ios.{Guid.NewGuid()}";
        var beingMade = living.Path[..^4] + "0000";
        File.WriteAllBytes(dead, new byte[32]);
        File.WriteAllBytes(foreign, new byte[32]);
        File.WriteAllBytes(beingMade, []);
        SubmitSemaphore.RemoveStale();
        Assert.False(File.Exists(dead));
        Assert.True(File.Exists(foreign) && File.Exists(living.Path) && File.Exists(beingMade));
        File.Delete(foreign);
        File.Delete(beingMade);
        var path = living.Path;
        var fd = Posix.MustOpen(path, Posix.O_RDWR);
        Assert.Equal(0, Posix.FTruncate(fd, 0)); // as every user may
        Posix.Close(fd);
        living.Post();
        living.Wait(TimeSpan.FromMinutes(1));
        living.Dispose();
        Assert.False(File.Exists(path));
        living.Post();
    }

    private static IovRegistry NewRegistry() => IovRegistry.Start(
        new RingWorld(ClusterFixture.NoRingFiles, new BufferTable(), TimeProvider.System, new RecordingLogger(), false)).Value;

    private static FileName Register(IovRegistry registry, SharedMemoryFile file, uint process)
    {
        var name = FileName.FromText(Guid.NewGuid().ToString());
        Assert.Equal(Errno.Ok, registry.Register(name, Encoding.UTF8.GetBytes(file.Path), 0, 0, process, out _));
        return name;
    }
}
