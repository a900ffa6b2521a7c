using ThreeFs.Base;
using ThreeFs.Contracts.Storage;
using ThreeFs.Storage.ChunkEngine;
using ThreeFs.Storage.ChunkEngine.Device;
using ThreeFs.Storage.ChunkEngine.Index;

namespace ThreeFs.Storage.Tests.ChunkEngine;

public sealed class FaultTests
{
    [Fact]
    public void A_damaged_unit_is_found_reported_and_never_handed_out()
    {
        var rig = Rig.Create();
        var content = rig.Bytes(300_000);
        rig.Write(0, content);
        rig.Run(rig.Store.FoldAsync());
        rig.Device.Corrupt(BlockClass.ForLength(300_000), 100_000);
        Assert.Equal(StatusCode.ChecksumMismatch, rig.Read(0, 300_000).Result.Code);
        Assert.Equal((Rig.Chunk, 98_304u), rig.Corruptions.Single());
        Assert.Equal(StatusCode.ChecksumMismatch, rig.Read(99_000, 1).Result.Code);
        Assert.Equal(StatusCode.Ok, rig.Read(0, 98_304).Result.Code);
        Assert.Equal(StatusCode.Ok, rig.Read(102_400, 100_000).Result.Code);

        // Merging with damaged bytes would make them look good; overwriting them whole heals.
        Assert.Equal(StatusCode.ChecksumMismatch, rig.Prepare(UpdateKind.Write, 98_305, rig.Bytes(10)).Code);
        var healed = rig.Bytes(4096);
        rig.Write(98_304, healed);
        healed.CopyTo(content, 98_304);
        rig.AssertContent(content);
        rig.Run(rig.Store.FoldAsync());
        rig.AssertContent(content);
    }

    [Fact]
    public void An_update_that_must_keep_unreadable_bytes_changes_nothing_and_tells()
    {
        var rig = Rig.Create();
        var content = rig.Bytes(300_000);
        rig.Write(0, content);
        rig.Run(rig.Store.FoldAsync());
        rig.Device.MakeUnreadable(BlockClass.ForLength(300_000), 98_304);
        Assert.Equal(StatusCode.IoError, rig.Read(0, 300_000).Result.Code);
        Assert.Equal(StatusCode.ChecksumMismatch, rig.Prepare(UpdateKind.Write, 98_305, rig.Bytes(10)).Code);
        Assert.Equal(StatusCode.ChecksumMismatch, rig.Prepare(UpdateKind.Truncate, 0, [], length: 98_305).Code);
        Assert.Equal([Rig.Chunk, Rig.Chunk], rig.UnreadableChunks);
        Assert.True(rig.Store.Health.IsOk);
        var healed = rig.Bytes(4096);
        rig.Write(98_304, healed);
        healed.CopyTo(content, 98_304);
        rig.Run(rig.Store.FoldAsync());
        rig.AssertContent(content);
    }

    [Fact]
    public void An_unflushed_update_that_cannot_be_read_after_a_power_loss_is_dropped()
    {
        var rig = Rig.Create();
        var content = rig.Bytes(300_000);
        rig.Write(0, content);
        rig.Run(rig.Store.FlushAsync());
        rig.Write(0, rig.Bytes(300_000)); // into the next block
        rig.Device.MakeUnreadable(BlockClass.ForLength(300_000), BlockClass.ForLength(300_000).Bytes);
        rig.Crash(losesPower: true);
        rig.AssertContent(content);
    }

    [Fact]
    public void A_failed_device_write_changes_nothing()
    {
        var rig = Rig.Create();
        var content = rig.Bytes(200_000);
        rig.Write(0, content);
        rig.Device.FailWrites = StatusCode.IoError;
        Assert.Equal(StatusCode.IoError, rig.Prepare(UpdateKind.Write, 0, rig.Bytes(200_000)).Code);
        rig.AssertContent(content);
        rig.Device.FailWrites = StatusCode.Ok;
        var next = rig.Bytes(200_000);
        Assert.Equal(2u, rig.Write(0, next).Update.Value);
        rig.AssertContent(next);
        Assert.Empty(rig.Faults);
    }

    [Fact]
    public void A_failed_index_write_stops_updates_and_keeps_reads()
    {
        var rig = Rig.Create();
        var content = rig.Bytes(5000);
        rig.Write(0, content);
        rig.Index.FailWrites = StatusCode.IoError;
        Assert.Equal(StatusCode.IoError, rig.Prepare(UpdateKind.Write, 0, rig.Bytes(10)).Code);
        rig.Index.FailWrites = StatusCode.Ok;
        Assert.Equal(StatusCode.IoError, rig.Prepare(UpdateKind.Write, 0, rig.Bytes(10)).Code);
        Assert.Equal(StatusCode.IoError, rig.Store.Health.Code);
        Assert.Single(rig.Faults);
        rig.AssertContent(content);
        Assert.Equal(StatusCode.IoError, rig.Run(rig.Store.FlushAsync()));
        rig.Crash(losesPower: false);
        rig.Commit(new UpdateResult(StatusCode.Ok, new UpdateVersion(1), default, 0, 0, default));
        rig.AssertContent(content);
    }

    [Fact]
    public void A_failed_flush_is_not_followed_by_a_successful_one()
    {
        var rig = Rig.Create();
        rig.Write(0, rig.Bytes(200_000));
        rig.Device.FailFlushes = StatusCode.IoError;
        Assert.Equal(StatusCode.IoError, rig.Run(rig.Store.FlushAsync()));
        rig.Device.FailFlushes = StatusCode.Ok;
        Assert.Equal(StatusCode.IoError, rig.Run(rig.Store.FlushAsync()));
    }

    [Fact]
    public void Callers_share_flushes()
    {
        var rig = Rig.Create(isStepped: true);
        rig.Write(0, rig.Bytes(200_000));
        var before = rig.Store.Counters.Flushes;
        var flushes = Enumerable.Range(0, 50).Select(_ => rig.Store.FlushAsync().AsTask()).ToArray();
        while (rig.Work.Step())
        {
        }

        Assert.All(flushes, f => Assert.Equal(StatusCode.Ok, f.Result));
        Assert.Equal(2, rig.Store.Counters.Flushes - before);
    }

    [Fact]
    public void A_target_is_created_once_and_knows_how_it_was_closed()
    {
        var rig = Rig.Create();
        var second = rig.Run(ChunkStore.CreateAsync(rig.Device, rig.Index, Rig.Identity, rig.Options));
        Assert.Equal(StatusCode.TargetExists, second.Code);
        rig.Write(0, rig.Bytes(10));
        rig.Crash(losesPower: false);
        Assert.False(rig.Store.WasClosedCleanly);
        Assert.False(rig.Store.LostPower);
        Assert.Equal(2u, rig.Store.OpenEpoch);
        rig.Crash(losesPower: true);
        Assert.True(rig.Store.LostPower);
        rig.Close();
        rig.Crash(losesPower: true);
        Assert.True(rig.Store.WasClosedCleanly);
        Assert.Equal(Rig.Identity, rig.Store.Identity);
    }

    [Theory]
    [InlineData('T')]
    [InlineData('F')]
    [InlineData('M')]
    [InlineData('L')]
    [InlineData('K')]
    [InlineData('C')]
    [InlineData('B')]
    public void A_record_of_a_newer_version_is_refused_by_name(char kind)
    {
        var rig = Rig.Create();
        rig.Write(0, rig.Bytes(10));
        rig.Run(rig.Store.FoldAsync());
        rig.Write(5, rig.Bytes(10));
        rig.Run(rig.Store.FlushAsync());
        var batch = new IndexBatch();
        rig.Index.Scan([(byte)kind], (key, value) =>
        {
            var newer = value.ToArray();
            newer[0]++;
            batch.Put(key, newer);
            return true;
        });
        Assert.False(batch.IsEmpty);
        rig.Index.Write(batch);
        var opened = rig.Run(ChunkStore.OpenAsync(rig.Device, rig.Index, rig.Options));
        Assert.Equal(StatusCode.UnknownFormatVersion, opened.Code);
        Assert.Contains("newer build", opened.Status.Message);
    }

    [Fact]
    public void An_allocator_that_disagrees_with_the_chunks_is_refused()
    {
        var rig = Rig.Create();
        rig.Write(0, rig.Bytes(10));
        var batch = new IndexBatch();
        rig.Index.Scan([(byte)'B'], (key, value) =>
        {
            batch.Delete(key);
            return true;
        });
        rig.Index.Write(batch);
        var opened = rig.Run(ChunkStore.OpenAsync(rig.Device, rig.Index, rig.Options));
        Assert.Equal(StatusCode.Corruption, opened.Code);
        Assert.Contains("64KiB", opened.Status.Message);
    }
}
