using System.Buffers.Binary;
using ThreeFs.Fuse.Protocol;

namespace ThreeFs.Fuse.Tests.Protocol;

public sealed class DirentWriterTests
{
    [Fact]
    public void Entries_are_padded_to_8_bytes_and_none_is_cut()
    {
        var space = new byte[24 + 8 + 24 + 16 - 1];
        space.AsSpan().Fill(0xFF);
        var writer = new DirentWriter(space);
        Assert.True(writer.TryAdd(7, 1, 8, "abc"u8));
        Assert.Equal(32, writer.Written);
        Assert.False(writer.TryAdd(8, 2, 4, "123456789"u8));
        Assert.Equal(32, writer.Written);
        Assert.True(writer.TryAdd(9, 2, 4, "12345678"u8));
        Assert.Equal(64, writer.Written);
        Assert.Equal(7ul, BinaryPrimitives.ReadUInt64LittleEndian(space));
        Assert.Equal(1ul, BinaryPrimitives.ReadUInt64LittleEndian(space.AsSpan(8)));
        Assert.Equal(3u, BinaryPrimitives.ReadUInt32LittleEndian(space.AsSpan(16)));
        Assert.Equal(8u, BinaryPrimitives.ReadUInt32LittleEndian(space.AsSpan(20)));
        Assert.Equal("abc\0\0\0\0\0"u8.ToArray(), space[24..32]);
        Assert.Equal(0xFF, space[64]);
    }

    [Fact]
    public void An_entry_with_attributes_begins_with_them()
    {
        var space = new byte[128 + 24 + 8];
        var writer = new DirentWriter(space);
        Assert.False(new DirentWriter(space.AsSpan(1)).TryAddPlus(default, 1, 1, 8, "x"u8));
        Assert.True(writer.TryAddPlus(new FuseEntryOut { Node = 42 }, 43, 5, 8, "x"u8));
        Assert.Equal(160, writer.Written);
        Assert.Equal(42ul, BinaryPrimitives.ReadUInt64LittleEndian(space));
        Assert.Equal(43ul, BinaryPrimitives.ReadUInt64LittleEndian(space.AsSpan(128)));
        Assert.Equal((byte)'x', space[152]);
    }
}
