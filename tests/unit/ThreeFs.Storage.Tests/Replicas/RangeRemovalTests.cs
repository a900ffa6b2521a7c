using ThreeFs.Base;
using ThreeFs.Contracts.Storage;
using ThreeFs.Storage.Threading;
using ThreeFs.Storage.Updates;

namespace ThreeFs.Storage.Tests.Replicas;

public sealed class RangeRemovalTests
{
    private readonly ReplicaPair _pair = new();
    private ulong _sequence = 1000;

    public RangeRemovalTests()
    {
        for (var i = 0ul; i < 4; i++) Assert.Equal(StatusCode.Ok, _pair.Write(i, ReplicaPair.Bytes(5000, i)));
    }

    [Fact]
    public void A_file_ends_where_its_truncation_says()
    {
        Assert.Equal(StatusCode.Ok, Cut(first: 2, under: 1, lastLength: 700));
        Assert.Equal(StatusCode.ChunkNotFound, _pair.Read(_pair.Tail, 2, 10).Code);
        Assert.Equal(700, _pair.Read(_pair.Tail, 1, 5000).Bytes.Length);
        Assert.Equal(5000, _pair.Read(_pair.Tail, 0, 5000).Bytes.Length);
        Assert.Equal(StatusCode.Ok, Cut(first: 4, under: 2, lastLength: 60));
        Assert.Equal(60, _pair.Read(_pair.Head, 3, 5000).Bytes.Length);
    }

    [Fact]
    public void A_truncation_for_whose_end_there_is_no_room_takes_nothing_away()
    {
        Assert.Equal(StatusCode.Ok, _pair.Remove(1));
        foreach (var disk in _pair.Disks) disk.Device.OthersBytes = disk.Device.CapacityBytes;
        _pair.Head.Report();
        Assert.Equal(StatusCode.NoSpace, Cut(first: 2, under: 1, lastLength: 700));
        Assert.Equal(5000, _pair.Read(_pair.Tail, 2, 5000).Bytes.Length);
        Assert.Equal(5000, _pair.Read(_pair.Tail, 3, 5000).Bytes.Length);
    }

    [Fact]
    public void A_truncation_that_comes_after_a_later_one_takes_nothing_away()
    {
        Assert.Equal(StatusCode.Ok, Cut(first: 1, under: 6, lastLength: 10));
        Assert.Equal(StatusCode.Ok, _pair.Write(1, ReplicaPair.Bytes(300, 9)));
        Assert.Equal(StatusCode.Ok, _pair.Write(0, ReplicaPair.Bytes(300, 8)));
        Assert.Equal(StatusCode.CutOvertaken, Cut(first: 1, under: 5, lastLength: 10));
        Assert.Equal(300, _pair.Read(_pair.Tail, 1, 5000).Bytes.Length);
        Assert.Equal(300, _pair.Read(_pair.Tail, 0, 5000).Bytes.Length);
        Assert.Equal(StatusCode.Ok, Cut(first: 1, under: 6, lastLength: 10));
    }

    [Fact]
    public void A_later_truncation_is_known_where_it_found_nothing()
    {
        Assert.Equal(StatusCode.Ok, Cut(first: 0, under: 2, lastLength: 0));
        Assert.Equal(StatusCode.Ok, Cut(first: 0, under: 3, lastLength: 0));
        Assert.Equal(StatusCode.Ok, _pair.Write(2, ReplicaPair.Bytes(300, 9)));
        Assert.Equal(StatusCode.CutOvertaken, Cut(first: 0, under: 2, lastLength: 0));
        Assert.Equal(300, _pair.Read(_pair.Tail, 2, 5000).Bytes.Length);
        Assert.Equal(StatusCode.Ok, Cut(first: 0, under: 0, lastLength: 0));
        Assert.Equal(StatusCode.ChunkNotFound, _pair.Read(_pair.Tail, 2, 10).Code);
    }

    [Theory]
    [InlineData(0u, 0u)] // a hole is punched
    [InlineData(0u, 700u)]
    [InlineData(3u, 700u)]
    public void A_copy_of_an_answered_request_that_comes_late_takes_nothing_away(uint under, uint lastLength)
    {
        Assert.Equal(StatusCode.Ok, Cut(first: 1, under, lastLength));
        Assert.Equal(StatusCode.Ok, _pair.Write(2, ReplicaPair.Bytes(300, 9)));
        Assert.Equal(StatusCode.ChannelSequenceStale, Cut(first: 1, under, lastLength, isCopy: true));
        Assert.Equal(300, _pair.Read(_pair.Tail, 2, 5000).Bytes.Length);
        Assert.Equal(StatusCode.Ok, Cut(first: 1, under, lastLength));
        Assert.Equal(StatusCode.ChunkNotFound, _pair.Read(_pair.Tail, 2, 10).Code);
    }

    [Fact]
    public void A_copy_of_a_request_that_found_nothing_takes_nothing_away()
    {
        Assert.Equal(StatusCode.Ok, Cut(first: 8, under: 0, lastLength: 0));
        Assert.Equal(StatusCode.Ok, _pair.Write(9, ReplicaPair.Bytes(300, 9)));
        Assert.Equal(StatusCode.ChannelSequenceStale, Cut(first: 8, under: 0, lastLength: 0, isCopy: true));
        Assert.Equal(300, _pair.Read(_pair.Tail, 9, 5000).Bytes.Length);
    }

    [Fact]
    public void Fences_are_bounded_and_the_oldest_goes_first()
    {
        var fences = new CutFences(capacity: 2);
        Assert.True(fences.Enter(new InodeId(1), new TruncateVersion(5)));
        Assert.True(fences.Enter(new InodeId(2), new TruncateVersion(5)));
        Assert.False(fences.Enter(new InodeId(1), new TruncateVersion(4)));
        Assert.True(fences.Enter(new InodeId(1), new TruncateVersion(6)));
        Assert.True(fences.Enter(new InodeId(3), new TruncateVersion(1)));
        Assert.True(fences.Enter(new InodeId(2), new TruncateVersion(1)));
        Assert.True(fences.IsCurrent(new InodeId(3), default));
    }

    private StatusCode Cut(ulong first, uint under, uint lastLength, bool isCopy = false)
    {
        if (!isCopy) _sequence += 20;
        var tag = new UpdateTag(new ClientId(new Guid(8, 0, 0, new byte[8])), new ChannelId(2), _sequence);
        var request = new RemoveChunksRequest(
            _pair.Versioned, ReplicaPair.Id(0).Inode, first, ulong.MaxValue, tag, 10, new TruncateVersion(under), lastLength,
            ReplicaPair.ChunkSize);
        var deadline = Deadline.In(TimeSpan.FromSeconds(5), _pair.Time);
        return _pair.Run(RangeRemoval.RunAsync(_pair.Head, request, deadline)).Code;
    }
}
