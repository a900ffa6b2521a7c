using ThreeFs.Storage.ChunkEngine.Device;

namespace ThreeFs.Storage.ChunkEngine.Chunks;

/// <summary>Arithmetic of the 4 KiB units a content is checked in. The last one is as short as the content makes it.</summary>
internal static class Units
{
    public const int Size = IBlockDevice.Unit;
    public const int Shift = 12;

    /// <summary>Units that <paramref name="length"/> bytes reach into.</summary>
    public static int Count(uint length) => (int)((length + (Size - 1L)) >> Shift);

    /// <summary>Bytes of <paramref name="unit"/> that belong to a content of <paramref name="length"/> bytes.</summary>
    public static int BytesOf(int unit, uint length) => (int)Math.Clamp(length - ((long)unit << Shift), 0, Size);

    /// <summary>Bytes of a run of units that belong to a content of <paramref name="length"/> bytes.</summary>
    public static long BytesOf(int start, int count, uint length) =>
        Math.Max(0, Math.Min(length, (long)(start + count) << Shift) - ((long)start << Shift));
}
