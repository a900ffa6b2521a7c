using ThreeFs.Base;
using ThreeFs.Contracts.Storage;
using ThreeFs.Storage.ChunkEngine;

namespace ThreeFs.Storage.Tests.ChunkEngine;

/// <summary>The orders that the engine's promises hang on, one at a time.</summary>
public sealed class OrderTests
{
    [Fact]
    public void Folding_waits_for_reads_of_the_content_before()
    {
        var rig = Rig.Create();
        var before = rig.Bytes(100_000);
        rig.Write(0, before);
        rig.Run(rig.Store.FoldAsync());
        var lease = rig.Pool.TryRent(100_000)!;
        rig.Device.HoldReads = true;
        var read = rig.Store.ReadAsync(Rig.Chunk, 0, 100_000, lease.Memory.Slice(0, 100_000)).AsTask();
        var after = rig.Bytes(4096);
        rig.Write(8192, after);
        var fold = rig.Store.FoldAsync().AsTask();
        Assert.False(fold.IsCompleted);
        rig.Device.ReleaseReads();
        Assert.Equal(StatusCode.Ok, rig.Run(new ValueTask<ReadResult>(read)).Code);
        Assert.True(lease.Memory.Span[..100_000].SequenceEqual(before));
        Assert.Equal(StatusCode.Ok, rig.Run(new ValueTask<StatusCode>(fold)));
        after.CopyTo(before, 8192);
        rig.AssertContent(before);
    }

    /// <summary>A read that starts at any moment of a fold.</summary>
    [Fact]
    public void Memory_of_an_update_lives_until_its_reads_are_over()
    {
        for (var moment = 0; moment < 8; moment++)
        {
            var rig = Rig.Create(isStepped: true);
            var content = rig.Bytes(100_000);
            rig.Write(0, content);
            rig.Run(rig.Store.FoldAsync());
            var piece = rig.Bytes(4096);
            rig.Write(4096, piece);
            piece.CopyTo(content, 4096);
            _ = rig.Store.FoldAsync().AsTask();
            for (var step = 0; step < moment; step++) rig.Work.Step();
            var lease = rig.Pool.TryRent(100_000)!;
            rig.Device.HoldReads = true;
            var read = rig.Store.ReadAsync(Rig.Chunk, 0, 100_000, lease.Memory.Slice(0, 100_000)).AsTask();
            while (rig.Work.Step())
            {
            }

            // Memory that was given back too early is taken and filled by this.
            var others = Enumerable.Range(0, 4).Select(i => new ChunkId(new InodeId(77), (ulong)i));
            foreach (var other in others) rig.Prepare(UpdateKind.Write, 0, rig.Bytes(4096), chunk: other);
            rig.Device.ReleaseReads();
            Assert.Equal(StatusCode.Ok, rig.Run(new ValueTask<ReadResult>(read)).Code);
            Assert.True(lease.Memory.Span[..100_000].SequenceEqual(content), $"moment {moment}");
        }
    }

    /// <summary>
    /// A dropped update may come back with a power loss until its deletion is flushed; nothing else may have been written to its block.
    /// </summary>
    [Fact]
    public void The_block_of_a_dropped_update_is_not_reused_before_the_drop_is_durable()
    {
        var returned = 0;
        for (var seed = 1UL; seed <= 20; seed++)
        {
            var rig = Rig.Create(seed);
            var dropped = rig.Bytes(200_000);
            rig.Prepare(UpdateKind.Write, 0, dropped);
            rig.Run(rig.Store.FlushAsync());
            rig.Run(rig.Store.DiscardPendingAsync(Rig.Chunk));
            rig.Apply(UpdateKind.Write, 0, rig.Bytes(200_000), chunk: new ChunkId(new InodeId(8), 8));
            rig.Crash(losesPower: true);
            if (!rig.Store.TryGet(Rig.Chunk, out _)) continue;
            returned++;
            rig.AssertContent(dropped, ReadContent.Newest);
        }

        Assert.True(returned > 0, "no seed brought the update back");
    }

    /// <summary>The same for units that a dropped append wrote in place.</summary>
    [Fact]
    public void Units_of_a_dropped_append_are_not_reused_before_the_drop_is_durable()
    {
        var returned = 0;
        for (var seed = 1UL; seed <= 20; seed++)
        {
            var rig = Rig.Create(seed);
            var content = rig.Bytes(600_000);
            rig.Write(0, content.AsSpan(0, 560_000));
            rig.Run(rig.Store.FoldAsync());
            rig.Prepare(UpdateKind.Write, 560_000, content.AsSpan(560_000));
            rig.Run(rig.Store.FlushAsync());
            rig.Run(rig.Store.DiscardPendingAsync(Rig.Chunk));
            rig.Prepare(UpdateKind.Write, 560_000, rig.Bytes(40_000));
            rig.Crash(losesPower: true);
            Assert.True(rig.Store.TryGet(Rig.Chunk, out var state));
            rig.AssertContent(content.AsSpan(0, 560_000));
            if (!state.HasPending || state.Pending.Crc != Crc32C.Compute(content)) continue;
            returned++;
            rig.AssertContent(content, ReadContent.Newest);
        }

        Assert.True(returned > 0, "no seed brought the update back");
    }

    [Fact]
    public void An_update_whose_data_was_not_flushed_is_dropped_and_the_flushed_content_stays()
    {
        for (var seed = 1UL; seed <= 20; seed++)
        {
            var rig = Rig.Create(seed);
            var flushed = rig.Bytes(300_000);
            rig.Write(0, flushed);
            rig.Run(rig.Store.FlushAsync());
            var next = rig.Bytes(300_000);
            var prepared = rig.Prepare(UpdateKind.Write, 0, next);
            rig.Commit(prepared);
            rig.Run(rig.Store.MaintainAsync());
            rig.Crash(losesPower: true);
            Assert.Empty(rig.Corruptions);
            var version = rig.Stored().Version.Value;
            rig.AssertContent(version == 1 ? flushed : next);
        }
    }
}
