using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace ThreeFs.Base;

/// <summary>
/// CRC-32C (Castagnoli, reflected polynomial 0x82F63B78) in its standard form: initial value and final value inverted, so
/// the checksum of nothing is 0 and of "123456789" is 0xE3069283. <see cref="Combine"/> joins the checksums of two
/// neighbours without reading them again.
/// </summary>
public static class Crc32C
{
    private const uint Polynomial = 0x82F63B78;
    private static readonly uint[] _table = BuildTable();
    private static readonly uint[] _shift = BuildShift();
    private static readonly uint _crcOfZeroPage = Compute(new byte[4096]);

    /// <summary>Checksum of <paramref name="data"/>.</summary>
    public static uint Compute(ReadOnlySpan<byte> data) => Append(0, data);

    /// <summary>Checksum of what <paramref name="crc"/> covers followed by <paramref name="data"/>.</summary>
    public static uint Append(uint crc, ReadOnlySpan<byte> data) => ~Update(~crc, data);

    /// <summary>Checksum of left followed by right, from their checksums and the length of right.</summary>
    public static uint Combine(uint left, uint right, long rightLength) => Shift(left, rightLength) ^ right;

    /// <summary>
    /// Checksum of a content in which one piece was exchanged: the CRC is linear, so only the difference of the two pieces,
    /// moved over the bytes after it, is added.
    /// </summary>
    /// <param name="whole">Checksum of the whole content before.</param>
    /// <param name="oldPiece">Checksum of the piece before.</param>
    /// <param name="newPiece">Checksum of the piece after; same length.</param>
    /// <param name="bytesAfter">Bytes of the content behind the piece.</param>
    public static uint Replace(uint whole, uint oldPiece, uint newPiece, long bytesAfter) =>
        whole ^ Shift(oldPiece ^ newPiece, bytesAfter);

    /// <summary>Checksum of <paramref name="length"/> zero bytes.</summary>
    public static uint OfZeros(long length)
    {
        var crc = 0u;
        for (; length >= 4096; length -= 4096) crc = Combine(crc, _crcOfZeroPage, 4096);
        Span<byte> zeros = stackalloc byte[(int)length];
        zeros.Clear();
        return Append(crc, zeros);
    }

    private static uint Update(uint state, ReadOnlySpan<byte> data)
    {
        if (!Sse42.X64.IsSupported) return UpdateByTable(state, data);
        ulong wide = state;
        var words = MemoryMarshal.Cast<byte, ulong>(data);
        foreach (var word in words) wide = Sse42.X64.Crc32(wide, word);
        state = (uint)wide;
        foreach (var b in data[(words.Length * 8)..]) state = Sse42.Crc32(state, b);
        return state;
    }

    internal static uint UpdateByTable(uint state, ReadOnlySpan<byte> data)
    {
        foreach (var b in data) state = _table[(byte)(state ^ b)] ^ (state >> 8);
        return state;
    }

    /// <summary>Multiplies by x^(8·bytes) modulo the polynomial: one table entry for each bit of the count.</summary>
    private static uint Shift(uint crc, long bytes)
    {
        for (var bit = 0; bytes != 0; bit++, bytes >>= 1)
        {
            if ((bytes & 1) != 0) crc = Multiply(crc, _shift[bit]);
        }

        return crc;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static uint Multiply(uint a, uint b)
    {
        var product = 0u;
        for (var mask = 1u << 31; mask != 0; mask >>= 1)
        {
            if ((a & mask) != 0) product ^= b;
            b = (b & 1) != 0 ? (b >> 1) ^ Polynomial : b >> 1;
        }

        return product;
    }

    private static uint[] BuildTable()
    {
        var table = new uint[256];
        for (var i = 0u; i < 256; i++)
        {
            var value = i;
            for (var bit = 0; bit < 8; bit++) value = (value & 1) != 0 ? (value >> 1) ^ Polynomial : value >> 1;
            table[i] = value;
        }

        return table;
    }

    private static uint[] BuildShift()
    {
        var shift = new uint[63];
        shift[0] = 1u << 23; // x^8 in reflected order
        for (var i = 1; i < shift.Length; i++) shift[i] = Multiply(shift[i - 1], shift[i - 1]);
        return shift;
    }
}
