using ThreeFs.Base.Memory;

namespace ThreeFs.Base.Tests.Memory;

public sealed class BufferPoolTests
{
    [Theory]
    [InlineData(0, 4096)]
    [InlineData(1, 4096)]
    [InlineData(4096, 4096)]
    [InlineData(4097, 8192)]
    [InlineData(1 << 20, 1 << 20)]
    [InlineData((1 << 20) + 1, 1 << 21)]
    [InlineData(64 << 20, 64 << 20)]
    public void A_lease_is_aligned_and_large_enough(int asked, int capacity)
    {
        using var pool = new BufferPool(256 << 20);
        using var lease = pool.TryRent(asked)!;
        Assert.Equal(capacity, lease.Capacity);
        Assert.Equal(0, lease.Memory.Address % BufferPool.Alignment);
        lease.Memory.Span.Fill(1);
    }

    [Fact]
    public void The_limit_is_a_limit_and_returned_buffers_are_reused()
    {
        using var pool = new BufferPool(64 << 10);
        var first = pool.TryRent(32 << 10)!;
        var second = pool.TryRent(32 << 10)!;
        Assert.Null(pool.TryRent(1));
        Assert.Equal(2, pool.Outstanding);
        var address = first.Memory.Address;
        first.Dispose();
        Assert.Equal(32 << 10, pool.RentedBytes);
        using (var again = pool.TryRent(20 << 10)!) Assert.Equal(address, again.Memory.Address);
        second.Dispose();
        Assert.Equal(0, pool.Outstanding);
        Assert.Equal(0, pool.RentedBytes);
    }

    [Fact]
    public void A_shared_lease_returns_with_its_last_holder_and_no_later()
    {
        using var pool = new BufferPool(1 << 20);
        var lease = pool.TryRent(1)!;
        lease.AddReference();
        lease.Dispose();
        Assert.Equal(1, pool.Outstanding);
        lease.Dispose();
        Assert.Equal(0, pool.Outstanding);
        Assert.Throws<InvariantException>(lease.Dispose);
    }

    [Fact]
    public void Renting_and_returning_allocates_nothing()
    {
        using var pool = new BufferPool(1 << 20);
        pool.TryRent(5000)!.Dispose();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++) pool.TryRent(5000)!.Dispose();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void An_abandoned_pool_has_freed_what_was_out_too()
    {
        var before = Environment.WorkingSet;
        for (var i = 0; i < 400; i++)
        {
            var pool = new BufferPool(1L << 30);
            for (var j = 0; j < 8; j++) pool.TryRent(1 << 20)!.Memory.Span.Fill(1);
            pool.TryRent(1)!.Dispose();
            pool.Abandon();
        }

        Assert.True(Environment.WorkingSet - before < 1L << 30, "3200 MiB were rented and abandoned");
    }

    [Fact]
    public void Slices_copy_across_their_pieces()
    {
        using var pool = new BufferPool(1 << 20);
        using var lease = pool.TryRent(4096)!;
        var slices = new IoSlices([lease.Memory.Slice(0, 3), lease.Memory.Slice(100, 5), lease.Memory.Slice(50, 2)], 3);
        Assert.Equal(10, slices.TotalLength);
        slices.CopyFrom(1, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
        var back = new byte[9];
        slices.CopyTo(1, back);
        Assert.Equal([1, 2, 3, 4, 5, 6, 7, 8, 9], back);
        Assert.Equal(3, lease.Memory.Span[100]);
        Assert.Equal(8, lease.Memory.Span[50]);
        Assert.Throws<InvariantException>(() => lease.Memory.Slice(4000, 97));
    }
}
