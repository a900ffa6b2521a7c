using ThreeFs.Base.Memory;
using ThreeFs.Storage.Updates;

namespace ThreeFs.Storage.Tests.Replicas;

public sealed class HopBuffersTests
{
    private const int Size = 1 << 20;

    [Fact]
    public void Hops_that_wait_for_others_leave_room_for_those_they_wait_for()
    {
        using var pool = new BufferPool(128L << 20);
        var leases = new List<BufferLease>();
        for (var hops = 6; hops >= 0; hops--)
        {
            var before = leases.Count;
            while (pool.TryRent(Size, hops) is { } lease) leases.Add(lease);
            Assert.True(leases.Count > before || hops == 5 || hops == 4, $"nothing was left for {hops} hops");
        }

        Assert.Equal(128, leases.Count);
        foreach (var lease in leases) lease.Dispose();
    }

    [Fact]
    public void Largest_chunk_fits_at_every_hop()
    {
        using var pool = new BufferPool(128L << 20);
        for (var hops = 0; hops < 10; hops++)
        {
            var lease = pool.TryRent(64 << 20, hops);
            Assert.NotNull(lease);
            lease.Dispose();
        }
    }
}
