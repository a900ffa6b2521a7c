using System.Numerics;
using ThreeFs.Base;

namespace ThreeFs.Storage.ChunkEngine.Device;

/// <summary>
/// A size of block: powers of two from 64 KiB (0) to 64 MiB (10). Every class has a file of its own on the device, in which
/// block <c>i</c> starts at <c>i × Bytes</c>. The number is stored in chunk records and never changes its meaning.
/// </summary>
public readonly record struct BlockClass(byte Value) : IComparable<BlockClass>
{
    public const int Count = 11;
    public const int MinShift = 16;
    public const int MinBytes = 1 << MinShift;
    public const int MaxBytes = 1 << (MinShift + Count - 1);

    public static readonly BlockClass Smallest = new(0);
    public static readonly BlockClass Largest = new(Count - 1);

    public int Shift => MinShift + Value;

    public int Bytes => 1 << Shift;

    /// <summary>The smallest class that holds <paramref name="length"/> bytes.</summary>
    public static BlockClass ForLength(uint length)
    {
        Invariant.Check(length <= MaxBytes, "a chunk has at most 64 MiB");
        return length <= MinBytes ? Smallest : new BlockClass((byte)(BitOperations.Log2(length - 1) + 1 - MinShift));
    }

    public int CompareTo(BlockClass other) => Value.CompareTo(other.Value);

    public override string ToString() => new ByteSize(Bytes).ToString();
}
