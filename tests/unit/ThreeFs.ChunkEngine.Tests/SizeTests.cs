using ThreeFs.Base;
using ThreeFs.Contracts.Storage;
using ThreeFs.Storage.ChunkEngine;

namespace ThreeFs.Storage.Tests.ChunkEngine;

/// <summary>Lengths at the edges of units and block classes.</summary>
public sealed class SizeTests
{
    private const int Largest = 64 << 20;

    [Fact]
    public void The_largest_chunk_takes_every_kind_of_update()
    {
        var rig = Rig.Create();
        rig.ChunkSize = Largest;
        var content = rig.Bytes(Largest - 5000);
        rig.Write(0, content);
        var end = rig.Bytes(5000);
        rig.Write(Largest - 5000, end);
        var whole = content.Concat(end).ToArray();
        rig.AssertTail(whole);
        Assert.Equal(Crc32C.Compute(whole), rig.Stored().Crc);
        var piece = rig.Bytes(10_001);
        rig.Write(33_333_333, piece);
        piece.CopyTo(whole, 33_333_333);
        Assert.Equal(Crc32C.Compute(whole), rig.Stored().Crc);
        Assert.Equal(StatusCode.Ok, rig.Run(rig.Store.FoldAsync()));
        rig.Crash(losesPower: true);
        rig.AssertTail(whole);
        Assert.Equal(piece, rig.Read(33_333_333, 10_001).Bytes);
        rig.Apply(UpdateKind.Truncate, 0, default, 33_333_340);
        Assert.Equal(Crc32C.Compute(whole.AsSpan(0, 33_333_340)), rig.Stored().Crc);
    }

    [Theory]
    [InlineData((uint)Largest, 1u, Largest)]
    [InlineData(uint.MaxValue, 4096u, Largest)]
    [InlineData(65_536u, 1u, 65_536)]
    public void A_write_behind_the_chunk_size_is_refused(uint offset, uint length, int chunkSize)
    {
        var rig = Rig.Create();
        rig.ChunkSize = (uint)chunkSize;
        Assert.Equal(StatusCode.InvalidArgument, rig.Prepare(UpdateKind.Write, offset, rig.Bytes((int)length)).Code);
        Assert.False(rig.Store.TryGet(Rig.Chunk, out _));
    }

    [Fact]
    public void A_chunk_size_of_more_than_64_MiB_is_refused()
    {
        var rig = Rig.Create();
        rig.ChunkSize = Largest + 1;
        Assert.Equal(StatusCode.InvalidArgument, rig.Prepare(UpdateKind.Write, 0, rig.Bytes(1)).Code);
    }

    [Fact]
    public void Appends_of_any_size_across_unit_and_block_edges_read_back()
    {
        foreach (var step in new[] { 1000, 4096, 4097, 40_000, 65_535 })
        {
            var rig = Rig.Create();
            rig.ChunkSize = 512 * 1024;
            var content = rig.Bytes(300_000);
            for (var at = 0; at < content.Length; at += step)
                rig.Write((uint)at, content.AsSpan(at, Math.Min(step, content.Length - at)));
            rig.AssertContent(content);
            rig.Run(rig.Store.FoldAsync());
            rig.AssertContent(content);
        }
    }

    [Fact]
    public void A_cut_and_extended_chunk_reads_zeros_where_bytes_were()
    {
        var rig = Rig.Create();
        var content = rig.Bytes(100_000);
        rig.Write(0, content);
        rig.Apply(UpdateKind.Truncate, 0, default, 10_001);
        rig.Apply(UpdateKind.Extend, 0, default, 5);
        rig.AssertContent(content.AsSpan(0, 10_001));
        rig.Apply(UpdateKind.Extend, 0, default, 90_000);
        var expected = new byte[90_000];
        content.AsSpan(0, 10_001).CopyTo(expected);
        rig.AssertContent(expected);
        rig.Run(rig.Store.FlushAsync());
        rig.Crash(losesPower: true);
        rig.AssertContent(expected);
        rig.Apply(UpdateKind.Truncate, 0, default, 0);
        rig.AssertContent(default);
    }
}
