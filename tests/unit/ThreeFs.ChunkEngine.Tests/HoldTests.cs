using System.Text;
using ThreeFs.Base;
using ThreeFs.Contracts.Storage;
using ThreeFs.Storage.ChunkEngine;
using ThreeFs.Storage.ChunkEngine.Device;

namespace ThreeFs.Storage.Tests.ChunkEngine;

/// <summary>Contents that somebody reads on the device by himself.</summary>
public sealed class HoldTests
{
    [Fact]
    public void What_is_held_stays_where_it_is_and_folding_waits()
    {
        var rig = Rig.Create();
        var before = rig.Bytes(100_000);
        rig.Write(0, before);
        rig.Run(rig.Store.FoldAsync());
        var hold = rig.Store.TryHold(Rig.Chunk, 4096, 100_000, out var result);
        Assert.NotNull(hold);
        Assert.Equal((StatusCode.Ok, 100_000u - 4096), (result.Code, result.Length));
        Assert.Equal(Crc32C.Compute(before.AsSpan(4096)), result.Crc);
        rig.Write(8192, rig.Bytes(4096));
        var fold = rig.Store.FoldAsync().AsTask();
        while (rig.Work.Step())
        {
        }

        Assert.False(fold.IsCompleted);
        Assert.Equal(before[4096..], OnDevice(rig, hold, result.Length));
        hold.Release();
        Assert.Equal(StatusCode.Ok, rig.Run(new ValueTask<StatusCode>(fold)));
    }

    [Fact]
    public void A_removed_chunk_stays_readable_while_it_is_held()
    {
        var rig = Rig.Create();
        var before = rig.Bytes(65536);
        rig.Write(0, before);
        rig.Run(rig.Store.FoldAsync());
        var hold = rig.Store.TryHold(Rig.Chunk, 0, 65536, out _)!;
        rig.Apply(UpdateKind.Remove, 0, []);
        var fold = rig.Store.FoldAsync().AsTask();
        for (var i = 0; i < 8; i++) rig.Apply(UpdateKind.Write, 0, rig.Bytes(65536), chunk: new ChunkId(new InodeId(8), (ulong)i));
        Assert.Equal(before, OnDevice(rig, hold, 65536));
        Assert.False(fold.IsCompleted);
        hold.Release();
        Assert.Equal(StatusCode.Ok, rig.Run(new ValueTask<StatusCode>(fold)));
    }

    [Fact]
    public void What_has_to_be_read_by_the_engine_is_not_held()
    {
        var rig = Rig.Create();
        Assert.Null(rig.Store.TryHold(Rig.Chunk, 0, 4096, out _));
        rig.Write(0, rig.Bytes(100_000));
        rig.Run(rig.Store.FoldAsync());
        Assert.Null(rig.Store.TryHold(Rig.Chunk, 1, 4096, out _));
        Assert.Null(rig.Store.TryHold(Rig.Chunk, 0, 5000, out _));
        Assert.Null(rig.Store.TryHold(Rig.Chunk, 0, 0, out _));
        Assert.Null(rig.Store.TryHold(Rig.Chunk, 102_400, 4096, out _));
        rig.Write(8192, rig.Bytes(4096));
        Assert.Null(rig.Store.TryHold(Rig.Chunk, 0, 65536, out _));
        var beside = rig.Store.TryHold(Rig.Chunk, 16384, 65536, out _);
        Assert.NotNull(beside);
        beside.Release();
    }

    [Fact]
    public void A_real_target_tells_a_file_that_has_the_bytes()
    {
        using var target = new RealTarget();
        var chunk = new ChunkId(new InodeId(1), 0);
        var content = new byte[200_000];
        new SeededRandom(5).NextBytes(content);
        target.Commit(chunk, target.Prepare(chunk, UpdateKind.Write, 0, content, 200_000, 1).Update);
        var found = target.Run(() =>
        {
            var hold = target.Store.TryHold(chunk, 65536, 65536, out var result)!;
            var bytes = new byte[65536];
            using (var file = File.OpenHandle(Encoding.UTF8.GetString(hold.File.Path.Span), FileMode.Open, FileAccess.Read, FileShare.ReadWrite))
                Assert.Equal(bytes.Length, RandomAccess.Read(file, bytes, hold.Offset));
            Assert.NotEqual(0ul, hold.File.Inode);
            hold.Release();
            return ValueTask.FromResult((result, bytes));
        });
        Assert.Equal(content.AsSpan(65536, 65536).ToArray(), found.bytes);
        Assert.Equal(Crc32C.Compute(found.bytes), found.result.Crc);
    }

    private static byte[] OnDevice(Rig rig, ContentHold hold, uint length)
    {
        var whole = (int)((length + 4095) & ~4095u);
        using var lease = rig.Pool.TryRent(whole)!;
        var read = rig.Device.ReadAsync(new BlockClass((byte)(hold.File.Inode - 1)), hold.Offset, lease.Memory.Slice(0, whole));
        Assert.Equal(StatusCode.Ok, rig.Run(read));
        return lease.Memory.Span[..(int)length].ToArray();
    }
}
