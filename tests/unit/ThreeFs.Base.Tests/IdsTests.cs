namespace ThreeFs.Base.Tests;

public sealed class IdsTests
{
    [Fact]
    public void A_chunk_ids_bytes_are_these_and_sort_like_the_id()
    {
        var id = new ChunkId(new InodeId(0x0102030405060708), 0x0A0B);
        var bytes = new byte[ChunkId.Size];
        id.WriteTo(bytes);
        Assert.Equal("01020304050607080000000000000A0B", Convert.ToHexString(bytes));
        Assert.Equal(id, ChunkId.ReadFrom(bytes));

        var random = new SeededRandom(1);
        for (var i = 0; i < 1000; i++)
        {
            var a = new ChunkId(new InodeId(random.NextBelow(3)), random.NextUInt64() >> random.Next(64));
            var b = new ChunkId(new InodeId(random.NextBelow(3)), random.NextUInt64() >> random.Next(64));
            var (left, right) = (new byte[ChunkId.Size], new byte[ChunkId.Size]);
            a.WriteTo(left);
            b.WriteTo(right);
            Assert.Equal(Math.Sign(a.CompareTo(b)), Math.Sign(left.AsSpan().SequenceCompareTo(right)));
        }
    }

    [Fact]
    public void Versions_count_up_and_compare()
    {
        Assert.Equal(new ChainVersion(6), new ChainVersion(5).Next);
        Assert.True(new UpdateVersion(1) < new UpdateVersion(2));
        Assert.True(new CommitVersion(2) >= new CommitVersion(2));
        Assert.True(new RoutingVersion(3) > new RoutingVersion(2));
    }
}
