namespace ThreeFs.Storage.ChunkEngine.Device;

/// <summary>
/// Where a block lies: its class plus one in the top byte, its index in the class's file below. 0 is no block. Stored in chunk
/// records.
/// </summary>
public readonly record struct BlockPosition(ulong Value)
{
    private const int ClassShift = 56;

    public static readonly BlockPosition None = default;

    public BlockPosition(BlockClass size, long index)
        : this(((ulong)(size.Value + 1) << ClassShift) | (ulong)index) { }

    public bool IsNone => Value == 0;

    /// <summary>False for values that no allocator made.</summary>
    public bool IsValid => Value >> ClassShift is > 0 and <= BlockClass.Count && Index >> 40 == 0;

    public BlockClass Class => new((byte)((Value >> ClassShift) - 1));

    public long Index => (long)(Value & ((1UL << ClassShift) - 1));

    /// <summary>First byte in the class's file.</summary>
    public long Offset => Index << Class.Shift;

    public override string ToString() => IsNone ? "none" : $"{Class}#{Index}";
}
