using ThreeFs.Base;
using ThreeFs.Contracts.Routing;
using ThreeFs.Contracts.Storage;
using ThreeFs.Storage.ChunkEngine.Device;
using ThreeFs.Storage.Targets;

namespace ThreeFs.Storage.Tests.Replicas;

public sealed class ScrubberTests
{
    private const int Length = 300_000;
    private static readonly BlockClass _class = BlockClass.ForLength(Length);

    private static readonly StorageLimits _limits = new()
    {
        FirstScrubAfter = TimeSpan.FromSeconds(10), ScrubInterval = TimeSpan.FromMinutes(10), ScrubBytesPerSecond = 1 << 20,
    };

    private static ReplicaPair WithChunks(int count, StorageLimits? limits = null)
    {
        var pair = new ReplicaPair(limits ?? _limits);
        for (var i = 0; i < count; i++) Assert.Equal(StatusCode.Ok, pair.Write((ulong)i, ReplicaPair.Bytes(Length, (ulong)i)));
        pair.Elapse(TimeSpan.FromSeconds(5)); // folded: the bytes are in their blocks
        return pair;
    }

    [Fact]
    public void Damage_that_nobody_reads_is_found_and_repaired()
    {
        var pair = WithChunks(6);
        pair.Disks[1].Device.Corrupt(_class, 100_000);
        pair.Elapse(TimeSpan.FromSeconds(20));
        Assert.Equal((6, 1, 1), (pair.Tail.Scrub.Chunks, pair.Tail.Scrub.Damaged, pair.Tail.Scrub.Passes));
        Assert.Equal((6, 0, 1), (pair.Head.Scrub.Chunks, pair.Head.Scrub.Damaged, pair.Head.Scrub.Passes));
        Assert.Equal(0, pair.Tail.DamagedChunks);
        for (var i = 0; i < 6; i++) Assert.Equal(ReplicaPair.Bytes(Length, (ulong)i), pair.Read(pair.Tail, (ulong)i, Length).Bytes);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void An_update_that_must_keep_unreadable_bytes_gets_them_from_the_neighbour(int disk)
    {
        var pair = WithChunks(1);
        pair.Disks[disk].Device.MakeUnreadable(_class, 98_304);
        Assert.Equal(StatusCode.Ok, pair.Write(0, ReplicaPair.Bytes(10, 7), offset: 98_305));
        var expected = ReplicaPair.Bytes(Length, 0);
        ReplicaPair.Bytes(10, 7).CopyTo(expected, 98_305);
        foreach (var replica in new[] { pair.Head, pair.Tail })
        {
            Assert.Equal(expected, pair.Read(replica, 0, Length).Bytes);
            Assert.Equal((LocalTargetState.UpToDate, 0), (replica.Standing.Local, replica.DamagedChunks));
        }
    }

    [Fact]
    public void Damage_without_a_whole_replica_is_forgotten_once_it_is_overwritten_or_removed()
    {
        var pair = WithChunks(2);
        foreach (var disk in pair.Disks)
        {
            disk.Device.Corrupt(_class, 100_000);
            disk.Device.Corrupt(_class, 100_000 + _class.Bytes);
        }

        pair.Elapse(TimeSpan.FromSeconds(20));
        Assert.Equal((2, 2), (pair.Head.DamagedChunks, pair.Tail.DamagedChunks));
        Assert.Equal(StatusCode.Ok, pair.Write(0, ReplicaPair.Bytes(Length, 7)));
        Assert.Equal(StatusCode.Ok, pair.Remove(1));
        pair.Elapse(TimeSpan.FromMinutes(11));
        Assert.Equal((0, 0), (pair.Head.DamagedChunks, pair.Tail.DamagedChunks));
    }

    [Theory]
    [InlineData(TargetState.Offline)]
    [InlineData(TargetState.Waiting)]
    [InlineData(TargetState.Syncing)]
    public void The_only_one_that_serves_is_repaired_from_one_that_does_not_and_has_the_same(TargetState other)
    {
        var pair = WithChunks(1);
        pair.Apply(TargetState.Serving, other);
        pair.Disks[0].Device.Corrupt(_class, 100_000);
        Assert.Equal(StatusCode.ChecksumMismatch, pair.Read(pair.Head, 0, Length).Code);
        pair.Pump();
        Assert.Equal(ReplicaPair.Bytes(Length, 0), pair.Read(pair.Head, 0, Length).Bytes);
        Assert.Equal(0, pair.Head.DamagedChunks);
    }

    [Fact]
    public void A_chunk_that_nobody_has_whole_keeps_a_target_from_serving_and_the_other_chunks_go_to_it()
    {
        var pair = WithChunks(3);
        pair.Apply(TargetState.Serving, TargetState.Waiting);
        var changed = ReplicaPair.Bytes(Length, 7);
        for (var i = 0UL; i < 3; i++) Assert.Equal(StatusCode.Ok, pair.Write(i, changed));
        pair.Elapse(TimeSpan.FromSeconds(5));
        for (var block = 0; block < 6; block++) pair.Disks[0].Device.MakeUnreadable(_class, block * (long)_class.Bytes + 98_304);
        Assert.Equal(StatusCode.IoError, pair.Read(pair.Head, 1, Length).Code);
        foreach (var whole in new ulong[] { 0, 2 }) Assert.Equal(StatusCode.Ok, pair.Write(whole, changed));
        pair.Apply(TargetState.Serving, TargetState.Syncing);
        pair.Elapse(TimeSpan.FromSeconds(5));
        Assert.Equal(LocalTargetState.Online, pair.Tail.Standing.Local);
        foreach (var whole in new ulong[] { 0, 2 }) Assert.Equal(pair.Head.Store.Chunk(ReplicaPair.Id(whole)), pair.Tail.Store.Chunk(ReplicaPair.Id(whole)));
        Assert.InRange(pair.Listings, 1, 3); // and not twice a second
        Assert.Equal(StatusCode.Ok, pair.Write(1, changed));
        pair.Elapse(TimeSpan.FromSeconds(5));
        Assert.Equal(LocalTargetState.UpToDate, pair.Tail.Standing.Local);
    }

    /// <summary>An update that keeps unreadable bytes is made whole neither here nor at the successor, and must not be in anybody's way.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_update_beside_unreadable_bytes_of_the_only_one_that_serves_is_made(bool isRemoved)
    {
        var pair = WithChunks(2);
        pair.Apply(TargetState.Serving, TargetState.Waiting);
        Assert.Equal(StatusCode.Ok, pair.Write(0, ReplicaPair.Bytes(Length, 7)));
        pair.Elapse(TimeSpan.FromSeconds(5));
        for (var block = 0; block < 3; block++) pair.Disks[0].Device.MakeUnreadable(_class, block * (long)_class.Bytes + 98_304);
        pair.HoldResync = true;
        pair.Apply(TargetState.Serving, TargetState.Syncing);
        Assert.Equal(StatusCode.Ok, pair.Write(0, ReplicaPair.Bytes(4096, 8), offset: 4096));
        Assert.False(pair.Head.Store.Chunk(ReplicaPair.Id(0)).HasPending);
        Assert.Equal(StatusCode.IoError, pair.Read(pair.Head, 0, Length).Code);
        pair.HoldResync = false;
        pair.Elapse(TimeSpan.FromSeconds(5));
        Assert.Equal(LocalTargetState.Online, pair.Tail.Standing.Local);
        Assert.Equal(StatusCode.Ok, isRemoved ? pair.Remove(0) : pair.Write(0, ReplicaPair.Bytes(Length, 9)));
        if (isRemoved) Assert.Equal(StatusCode.Ok, pair.Remove(1));
        pair.Elapse(TimeSpan.FromSeconds(70));
        Assert.Equal(LocalTargetState.UpToDate, pair.Tail.Standing.Local);
    }

    [Fact]
    public void Damage_is_repaired_from_any_replica_when_a_neighbour_is_dead()
    {
        var pair = WithChunks(1);
        pair.PutDeadBetween();
        pair.Disks[0].Device.Corrupt(_class, 100_000);
        var started = pair.Time.GetTimestamp();
        Assert.Equal(StatusCode.ChecksumMismatch, pair.Read(pair.Head, 0, Length).Code);
        pair.Pump();
        Assert.Equal((0, 2), (pair.Head.DamagedChunks, pair.PeerReads));
        Assert.Equal(ReplicaPair.Bytes(Length, 0), pair.Read(pair.Head, 0, Length).Bytes);
        Assert.True(pair.Time.GetElapsedTime(started) < _limits.RepairTime); // the dead one does not take it all
    }

    [Fact]
    public void A_repair_takes_its_time_once_for_all_replicas_that_it_asks()
    {
        var pair = WithChunks(1);
        pair.PutDeadBetween();
        foreach (var disk in pair.Disks) disk.Device.Corrupt(_class, 100_000);
        var started = pair.Time.GetTimestamp();
        Assert.Equal(StatusCode.ChecksumMismatch, pair.Read(pair.Head, 0, Length).Code);
        pair.Pump(); // the head's attempt, and the tail's, which was asked
        Assert.Equal((1, 1), (pair.Head.DamagedChunks, pair.Tail.DamagedChunks));
        Assert.InRange(pair.Time.GetElapsedTime(started), TimeSpan.Zero, 2 * _limits.RepairTime);
    }

    [Fact]
    public void A_repair_that_cannot_be_written_here_asks_nobody_else()
    {
        var pair = WithChunks(1);
        pair.PutDeadBehind();
        pair.Disks[0].Device.Corrupt(_class, 100_000);
        pair.Disks[0].Device.FailWrites = StatusCode.NoSpace;
        Assert.Equal(StatusCode.ChecksumMismatch, pair.Read(pair.Head, 0, Length).Code);
        pair.Pump();
        Assert.Equal((1, 1), (pair.Head.DamagedChunks, pair.PeerReads));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_replica_whose_damage_keeps_an_update_pending_is_made_anew_once_another_one_serves(bool isUnreadable)
    {
        var pair = WithChunks(1, _limits with { ScrubBytesPerSecond = 0, RepairPause = TimeSpan.Zero });
        pair.Apply(TargetState.Serving, TargetState.Waiting);
        pair.Apply(TargetState.Serving, TargetState.Syncing);
        if (isUnreadable) pair.Disks[0].Device.MakeUnreadable(_class, 100_000);
        else pair.Disks[0].Device.Corrupt(_class, 100_000);
        var write = pair.WriteAsync(0, ReplicaPair.Bytes(32_768, 7)).AsTask();
        pair.Elapse(TimeSpan.FromSeconds(12));
        Assert.Equal(StatusCode.ForwardFailed, pair.Run(new ValueTask<UpdateResult>(write)).Code);
        Assert.Equal((LocalTargetState.UpToDate, 1), (pair.Head.Standing.Local, pair.Head.DamagedChunks)); // nobody else has what it has
        Assert.True(pair.Head.Store.TryGet(ReplicaPair.Id(0), out var held) && held.HasPending);

        pair.Apply(TargetState.Serving, TargetState.Serving);
        Assert.NotEqual(StatusCode.Ok, pair.Read(pair.Head, 0, Length).Code);
        pair.Pump();
        Assert.Equal(0, pair.PeerReads); // the update would keep a repair from being written
        pair.Elapse(TimeSpan.FromSeconds(6));
        Assert.Equal(LocalTargetState.Offline, pair.Head.Standing.Local);
        pair.PutTailFirst(TargetState.Waiting);
        pair.Elapse(TimeSpan.FromSeconds(6));
        pair.PutTailFirst(TargetState.Syncing);
        pair.Elapse(TimeSpan.FromSeconds(6));
        pair.PutTailFirst(TargetState.Serving);
        pair.Elapse(TimeSpan.FromMinutes(2));
        Assert.Equal((LocalTargetState.UpToDate, 0), (pair.Head.Standing.Local, pair.Head.DamagedChunks));
        foreach (var replica in new[] { pair.Head, pair.Tail }) Assert.Equal(ReplicaPair.Bytes(Length, 0), pair.Read(replica, 0, Length).Bytes);
    }

    [Fact]
    public void A_chunk_that_the_disk_cannot_read_counts_once_however_often_it_is_met()
    {
        var pair = WithChunks(2, _limits with { ScrubBytesPerSecond = 0 });
        foreach (var disk in pair.Disks) disk.Device.MakeUnreadable(_class, 98_304);
        for (var i = 0; i < 20; i++) Assert.Equal(StatusCode.IoError, pair.Read(pair.Tail, 0, Length).Code);
        Assert.Equal(2, pair.ReadFailures); // one of each disk: the repair asked the head

        foreach (var disk in pair.Disks) disk.Device.MakeReadable(_class, 98_304);
        pair.Elapse(TimeSpan.FromMinutes(2));
        Assert.Equal(0, pair.Tail.DamagedChunks);
        pair.Disks[1].Device.FailReads = StatusCode.IoError;
        Assert.Equal(StatusCode.IoError, pair.Read(pair.Tail, 0, Length).Code);
        Assert.Equal(3, pair.ReadFailures);
    }

    [Fact]
    public void What_could_not_be_read_now_is_read_later_and_its_damage_not_forgotten()
    {
        var pair = WithChunks(1);
        foreach (var disk in pair.Disks) disk.Device.Corrupt(_class, 100_000);
        Assert.Equal(StatusCode.ChecksumMismatch, pair.Read(pair.Tail, 0, Length).Code);
        pair.Disks[1].Device.FailReads = StatusCode.Overloaded;
        pair.Elapse(TimeSpan.FromSeconds(20));
        Assert.Equal((1, 0, 0L), (pair.Tail.DamagedChunks, pair.Tail.Scrub.Passes, pair.Tail.Scrub.Bytes));
        pair.Disks[1].Device.FailReads = StatusCode.Ok;
        pair.Elapse(TimeSpan.FromSeconds(5));
        Assert.Equal((1, 1, 1), (pair.Tail.DamagedChunks, pair.Tail.Scrub.Passes, pair.Tail.Scrub.Damaged));
    }

    [Fact]
    public void Reads_no_faster_than_allowed()
    {
        var pair = WithChunks(40);
        pair.Elapse(TimeSpan.FromSeconds(10)); // 15 s since the opening: 5 s of reading
        Assert.True(pair.Tail.Scrub.IsRunning);
        Assert.InRange(pair.Tail.Scrub.Bytes, 4L << 20, (5L << 20) + Length);
    }

    [Fact]
    public void Next_pass_begins_after_the_interval()
    {
        var pair = WithChunks(3);
        pair.Elapse(TimeSpan.FromMinutes(9));
        Assert.Equal(1, pair.Tail.Scrub.Passes);
        pair.Elapse(TimeSpan.FromMinutes(2));
        Assert.Equal(2, pair.Tail.Scrub.Passes);
        Assert.Equal(3 * Length, pair.Tail.Scrub.Bytes);
    }

    [Fact]
    public void Reads_nothing_when_turned_off_or_out_of_service()
    {
        var off = WithChunks(3, _limits with { ScrubBytesPerSecond = 0 });
        off.Elapse(TimeSpan.FromMinutes(1));
        Assert.Equal(0, off.Tail.Scrub.Bytes);

        var pair = WithChunks(3);
        pair.Apply(TargetState.Serving, TargetState.Waiting);
        pair.Elapse(TimeSpan.FromMinutes(1));
        Assert.Equal(0, pair.Tail.Scrub.Bytes);
        Assert.Equal(1, pair.Head.Scrub.Passes);
    }

    [Fact]
    public void Chunk_that_the_disk_cannot_read_is_written_anew_and_the_target_goes_on()
    {
        var pair = WithChunks(2);
        var written = pair.Disks[1].Device.BytesWritten;
        pair.Disks[1].Device.FailReads = StatusCode.IoError;
        Assert.Equal(StatusCode.IoError, pair.Read(pair.Tail, 1, Length).Code);
        Assert.Equal((1, LocalTargetState.UpToDate), (pair.ReadFailures, pair.Tail.Standing.Local));
        pair.Disks[1].Device.FailReads = StatusCode.Ok;
        pair.Pump();
        Assert.Equal(0, pair.Tail.DamagedChunks);
        Assert.True(pair.Disks[1].Device.BytesWritten >= written + Length);
        Assert.Equal(ReplicaPair.Bytes(Length, 1), pair.Read(pair.Tail, 1, Length).Bytes);
    }
}
