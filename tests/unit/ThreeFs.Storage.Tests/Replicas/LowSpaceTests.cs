using ThreeFs.Base;

namespace ThreeFs.Storage.Tests.Replicas;

public sealed class LowSpaceTests
{
    [Fact]
    public void New_chunks_are_refused_before_existing_ones_cannot_be_overwritten_any_more()
    {
        const int length = 1 << 16;
        var pair = new ReplicaPair(new StorageLimits { NewChunkReserve = 0.25 });
        foreach (var disk in pair.Disks) disk.Device.CapacityBytes = 256 << 20;
        var count = 0ul;
        while (pair.Write(count, ReplicaPair.Bytes(length, count)) == StatusCode.Ok)
        {
            count++;
            pair.Head.Report();
            pair.Elapse(TimeSpan.FromMilliseconds(100));
        }

        // A quarter of 256 MiB, and the 64 MiB that blocks never take, are left.
        Assert.InRange(count, 1900u, 2200u);
        Assert.Equal(StatusCode.NoSpace, pair.Write(count, ReplicaPair.Bytes(length, count)));
        for (var i = 0ul; i < count; i += 100) Assert.Equal(StatusCode.Ok, pair.Write(i, ReplicaPair.Bytes(length, i + 1)));
        for (var i = 0ul; i < count; i += 100) Assert.Equal(ReplicaPair.Bytes(length, i + 1), pair.Read(pair.Tail, i, length).Bytes);
    }
}
