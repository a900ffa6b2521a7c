using ThreeFs.Fuse.Tests.Support;

namespace ThreeFs.Fuse.Tests.Session;

[CollectionDefinition("alone", DisableParallelization = true)]
public sealed class AloneCollection;

/// <summary>
/// Reads and writes in steady state leave the managed heap alone. Counts the whole process, so nothing runs beside it.
/// </summary>
[Collection("alone")]
public sealed class AllocationTests
{
    private const int Rounds = 4000;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Reads_and_writes_allocate_nothing(bool isCluster)
    {
        await using var mount = isCluster ? (await ClusterFixture.CreateAsync()).Mount().Mount : MountFixture.Memory();
        var buffer = Posix.Aligned(4096);
        var fd = Posix.MustOpen(mount.At("a"), Posix.O_RDWR | Posix.O_CREAT | Posix.O_DIRECT);
        Transfer(fd, buffer, Rounds);
        var least = long.MaxValue;
        for (var attempt = 0; attempt < 20 && least >= 2 * Rounds; attempt++)
        {
            var before = GC.GetTotalAllocatedBytes(precise: true);
            Transfer(fd, buffer, Rounds);
            least = Math.Min(least, GC.GetTotalAllocatedBytes(precise: true) - before);
        }

        Posix.Close(fd);
        Posix.Free(buffer);

        // What the test host does beside it: less than a byte for each operation.
        Assert.True(least < 2 * Rounds, $"{least} bytes allocated by {2 * Rounds} operations");
    }

    private static void Transfer(int fd, nint buffer, int rounds)
    {
        for (var i = 0; i < rounds; i++)
        {
            if (Posix.PWrite(fd, buffer, 4096, i % 16 * 4096) != 4096) Assert.Fail("write");
            if (Posix.PRead(fd, buffer, 4096, i % 16 * 4096) != 4096) Assert.Fail("read");
        }
    }
}
