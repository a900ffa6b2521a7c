using ThreeFs.Base;
using ThreeFs.Contracts.Storage;
using ThreeFs.Storage.ChunkEngine;

namespace ThreeFs.Storage.Tests.ChunkEngine;

public sealed class UpdateTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(4096)]
    [InlineData(5000)]
    [InlineData(65536)]
    [InlineData(65537)]
    [InlineData(1 << 20)]
    public void A_written_chunk_reads_back(int size)
    {
        var rig = Rig.Create();
        var content = rig.Bytes(size);
        var result = rig.Write(0, content);
        Assert.Equal(1u, result.Update.Value);
        Assert.Equal(Crc32C.Compute(content), result.Crc);
        rig.AssertContent(content);
        Assert.Equal(StatusCode.Ok, rig.Run(rig.Store.FoldAsync()));
        rig.AssertContent(content);
        rig.Crash(losesPower: true);
        rig.AssertContent(content);
    }

    [Fact]
    public void A_pending_update_does_not_show_and_can_be_read_as_newest()
    {
        var rig = Rig.Create();
        var before = rig.Bytes(100_000);
        rig.Write(0, before);
        var piece = rig.Bytes(3000);
        var prepared = rig.Prepare(UpdateKind.Write, 50_001, piece);
        rig.AssertContent(before);
        var after = (byte[])before.Clone();
        piece.CopyTo(after, 50_001);
        rig.AssertContent(after, ReadContent.Newest);
        Assert.Equal(Crc32C.Compute(after), prepared.Crc);
        rig.Crash(losesPower: false);
        rig.AssertContent(before);
        rig.AssertContent(after, ReadContent.Newest);
        rig.Commit(prepared);
        rig.AssertContent(after);
    }

    [Fact]
    public void A_repeated_update_is_answered_with_its_result_even_after_a_restart()
    {
        var rig = Rig.Create();
        rig.Write(0, rig.Bytes(10));
        var lease = rig.Pool.TryRent(100)!;
        var update = new ChunkUpdate(
            Rig.Chunk, UpdateKind.Write, 0, 100, rig.ChunkSize, Crc32C.Compute(lease.Memory.Span[..100]), rig.NextTag(),
            new UpdateVersion(2), new ChainVersion(1));
        var payload = lease.Memory.Slice(0, 100);
        var first = rig.Run(rig.Store.PrepareAsync(update, payload));
        Assert.Equal(first, rig.Run(rig.Store.PrepareAsync(update, payload)));
        rig.Crash(losesPower: false);
        Assert.Equal(first, rig.Run(rig.Store.PrepareAsync(update, payload)));
        Assert.Equal(StatusCode.UpdateInProgress, rig.Run(rig.Store.PrepareAsync(update with { Tag = rig.NextTag() }, payload)).Code);
        rig.Commit(first);
        Assert.True(rig.Store.TryGet(Rig.Chunk, out var state));
        Assert.Equal(update.Tag, state.Committed.Tag);
        Assert.Equal(StatusCode.UpdateAlreadyCommitted, rig.Run(rig.Store.PrepareAsync(update, payload)).Code);
        Assert.Equal(
            StatusCode.UpdateMissing, rig.Run(rig.Store.PrepareAsync(update with { Version = new UpdateVersion(4) }, payload)).Code);
    }

    [Fact]
    public void A_removed_chunk_is_gone_and_a_pending_removal_survives_a_restart()
    {
        var rig = Rig.Create();
        rig.Write(0, rig.Bytes(70_000));
        var prepared = rig.Prepare(UpdateKind.Remove, 0, default);
        rig.Crash(losesPower: false);
        Assert.True(rig.Store.TryGet(Rig.Chunk, out var state) && state.Pending.IsRemove && state.HasCommitted);
        rig.Commit(prepared);
        Assert.False(rig.Store.TryGet(Rig.Chunk, out _));
        Assert.Equal(StatusCode.ChunkNotFound, rig.Read(0, 10).Result.Code);
        Assert.Equal(StatusCode.ChunkNotFound, rig.Prepare(UpdateKind.Remove, 0, default).Code);
        var again = rig.Bytes(10);
        Assert.Equal(1u, rig.Write(0, again).Update.Value);
        rig.Run(rig.Store.FoldAsync());
        rig.AssertContent(again);
        rig.Crash(losesPower: true);
        rig.AssertContent(again);
    }

    [Fact]
    public void A_superseding_removal_of_a_chunk_that_was_never_committed_drops_what_is_pending()
    {
        var rig = Rig.Create();
        rig.Prepare(UpdateKind.Write, 0, rig.Bytes(5000));
        var remove = new ChunkUpdate(
            Rig.Chunk, UpdateKind.Remove, 0, 0, rig.ChunkSize, 0, default, new UpdateVersion(1), new ChainVersion(1), SupersedePending: true);
        Assert.Equal(StatusCode.ChunkNotFound, rig.Run(rig.Store.PrepareAsync(remove, default)).Code);
        Assert.False(rig.Store.TryGet(Rig.Chunk, out _));
        rig.Crash(losesPower: false);
        Assert.False(rig.Store.TryGet(Rig.Chunk, out _));
        Assert.Equal(0, rig.Store.ListPending(new ChunkState[1]));
    }

    [Fact]
    public void A_payload_with_another_checksum_is_refused()
    {
        var rig = Rig.Create();
        foreach (var size in new[] { 10, 4096, 40_000, 200_000 })
        {
            var lease = rig.Pool.TryRent(size)!;
            var update = new ChunkUpdate(
                Rig.Chunk, UpdateKind.Write, 0, (uint)size, rig.ChunkSize, ~Crc32C.Compute(lease.Memory.Span[..size]), rig.NextTag(),
                default, default);
            var result = rig.Run(rig.Store.PrepareAsync(update, lease.Memory.Slice(0, size)));
            Assert.Equal(StatusCode.ChecksumMismatch, result.Code);
            Assert.False(rig.Store.TryGet(Rig.Chunk, out _));
            lease.Dispose();
        }

        Assert.Equal(0, rig.Store.GetSpace().UsedBytes);
        Assert.Equal(0, rig.Store.OutstandingBuffers);
    }
}
