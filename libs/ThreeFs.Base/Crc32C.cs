using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using Arm = System.Runtime.Intrinsics.Arm;

namespace ThreeFs.Base;

/// <summary>
/// CRC-32C (Castagnoli, reflected polynomial 0x82F63B78) in its standard form: initial value and final value inverted,
/// so the checksum of nothing is 0 and of "123456789" is 0xE3069283. <see cref="Combine"/> joins the checksums of two
/// neighbours without reading them again.
/// </summary>
/// <remarks>
/// Long inputs are folded 512 or 128 bits at a time (<see cref="Crc32CFolding"/>), short ones and tails go through the
/// processor's CRC instruction, and without either a table does. All give the same sums; the tests compare each with
/// the table.
/// </remarks>
public static class Crc32C
{
    private static readonly uint[] _table = BuildTable();

    /// <summary>Checksum of <paramref name="data"/>.</summary>
    public static uint Compute(ReadOnlySpan<byte> data) => Append(0, data);

    /// <summary>Checksum of what <paramref name="crc"/> covers followed by <paramref name="data"/>.</summary>
    public static uint Append(uint crc, ReadOnlySpan<byte> data) => ~Update(~crc, data);

    /// <summary>Checksum of left followed by right, from their checksums and the length of right.</summary>
    public static uint Combine(uint left, uint right, long rightLength) => Crc32CPowers.Shift(left, rightLength) ^ right;

    /// <summary>
    /// Checksum of a content in which one piece was exchanged: the CRC is linear, so only the difference of the two
    /// pieces, moved over the bytes after it, is added.
    /// </summary>
    /// <param name="whole">Checksum of the whole content before.</param>
    /// <param name="oldPiece">Checksum of the piece before.</param>
    /// <param name="newPiece">Checksum of the piece after; same length.</param>
    /// <param name="bytesAfter">Bytes of the content behind the piece.</param>
    public static uint Replace(uint whole, uint oldPiece, uint newPiece, long bytesAfter) =>
        whole ^ Crc32CPowers.Shift(oldPiece ^ newPiece, bytesAfter);

    /// <summary>Checksum of <paramref name="length"/> zero bytes.</summary>
    public static uint OfZeros(long length) => ~Crc32CPowers.Shift(~0u, length);

    private static uint Update(uint state, ReadOnlySpan<byte> data)
    {
        if (data.Length >= Crc32CFolding.MinWide && Crc32CFolding.IsWideSupported)
            state = Crc32CFolding.UpdateWide(state, ref data);
        else if (data.Length >= Crc32CFolding.MinNarrow && Crc32CFolding.IsSupported)
            state = Crc32CFolding.Update(state, ref data);
        return UpdateByInstruction(state, data);
    }

    internal static uint UpdateByInstruction(uint state, ReadOnlySpan<byte> data)
    {
        var words = MemoryMarshal.Cast<byte, ulong>(data);
        var tail = data[(words.Length * 8)..];
        if (Sse42.X64.IsSupported)
        {
            ulong wide = state;
            foreach (var word in words) wide = Sse42.X64.Crc32(wide, word);
            state = (uint)wide;
            foreach (var b in tail) state = Sse42.Crc32(state, b);
            return state;
        }

        if (Arm.Crc32.Arm64.IsSupported)
        {
            foreach (var word in words) state = Arm.Crc32.Arm64.ComputeCrc32C(state, word);
            foreach (var b in tail) state = Arm.Crc32.ComputeCrc32C(state, b);
            return state;
        }

        return UpdateByTable(state, data);
    }

    internal static uint UpdateByTable(uint state, ReadOnlySpan<byte> data)
    {
        foreach (var b in data) state = _table[(byte)(state ^ b)] ^ (state >> 8);
        return state;
    }

    private static uint[] BuildTable()
    {
        var table = new uint[256];
        for (var i = 0u; i < 256; i++)
        {
            var value = i;
            for (var bit = 0; bit < 8; bit++) value = Crc32CPowers.TimesX(value);
            table[i] = value;
        }

        return table;
    }
}
