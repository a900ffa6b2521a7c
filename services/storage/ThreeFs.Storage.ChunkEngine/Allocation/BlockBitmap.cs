using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace ThreeFs.Storage.ChunkEngine.Allocation;

/// <summary>One bit for each of the 256 blocks of a group. Stored as 32 bytes: bit i is bit i mod 64 of little-endian word i / 64.</summary>
[InlineArray(4)]
internal struct BlockBitmap
{
    public const int Bits = 256;
    public const int Bytes = Bits / 8;

    private ulong _word;

    public readonly bool Has(int bit) => (Word(bit >> 6) & (1UL << (bit & 63))) != 0;

    public readonly int Count
    {
        get
        {
            var count = 0;
            for (var i = 0; i < 4; i++) count += BitOperations.PopCount(Word(i));
            return count;
        }
    }

    private readonly ulong Word(int index) => ((ReadOnlySpan<ulong>)this)[index];

    public void Set(int bit) => ((Span<ulong>)this)[bit >> 6] |= 1UL << (bit & 63);

    public void Clear(int bit) => ((Span<ulong>)this)[bit >> 6] &= ~(1UL << (bit & 63));

    /// <summary>The lowest clear bit, or -1.</summary>
    public readonly int FirstClear()
    {
        for (var i = 0; i < 4; i++)
        {
            var word = Word(i);
            if (word != ulong.MaxValue) return (i << 6) + BitOperations.TrailingZeroCount(~word);
        }

        return -1;
    }

    public readonly bool SameAs(in BlockBitmap other) => ((ReadOnlySpan<ulong>)this).SequenceEqual(other);

    public readonly void WriteTo(Span<byte> d)
    {
        for (var i = 0; i < 4; i++) BinaryPrimitives.WriteUInt64LittleEndian(d[(i * 8)..], Word(i));
    }

    public static BlockBitmap Read(ReadOnlySpan<byte> s)
    {
        var bitmap = default(BlockBitmap);
        for (var i = 0; i < 4; i++) ((Span<ulong>)bitmap)[i] = BinaryPrimitives.ReadUInt64LittleEndian(s[(i * 8)..]);
        return bitmap;
    }
}
