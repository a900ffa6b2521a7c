using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace ThreeFs.Base;

/// <summary>
/// Arithmetic modulo the CRC-32C polynomial, bits reflected: bit 31 is x⁰. Moving a checksum over <c>n</c> bytes is a
/// multiplication by x⁸ⁿ, which is a product of table entries x^(8·2ⁱ), one for each bit of <c>n</c>.
/// </summary>
internal static class Crc32CPowers
{
    private const uint Polynomial = 0x82F63B78;
    private const uint One = 1u << 31;
    private const uint X = 1u << 30;

    /// <summary>x is a generator of order 2³¹ − 1, so x⁻³² is x to this power.</summary>
    private const ulong MinusThirtyTwo = (1ul << 31) - 1 - 32;

    /// <summary>x^(8·2ⁱ).</summary>
    private static readonly uint[] _shift = BuildShift();

    /// <summary>
    /// The same times x⁻³²: the CRC instruction that reduces a carry-less product multiplies by x³² on the way.
    /// </summary>
    private static readonly uint[] _shiftByInstruction = Array.ConvertAll(_shift, power => Multiply(power, Power(MinusThirtyTwo)));

    /// <summary>Multiplies by x^(8·<paramref name="bytes"/>).</summary>
    public static uint Shift(uint crc, long bytes)
    {
        Invariant.Check(bytes >= 0, "a checksum moves forward");
        if (Pclmulqdq.IsSupported && Sse42.X64.IsSupported)
        {
            for (var bit = 0; bytes != 0; bit++, bytes >>= 1)
            {
                if ((bytes & 1) != 0) crc = MultiplyReduced(crc, _shiftByInstruction[bit]);
            }

            return crc;
        }

        return ShiftByTable(crc, bytes);
    }

    internal static uint ShiftByTable(uint crc, long bytes)
    {
        for (var bit = 0; bytes != 0; bit++, bytes >>= 1)
        {
            if ((bytes & 1) != 0) crc = Multiply(crc, _shift[bit]);
        }

        return crc;
    }

    /// <summary>x to the power of <paramref name="bits"/>.</summary>
    public static uint Power(ulong bits)
    {
        var result = One;
        for (var square = X; bits != 0; bits >>= 1)
        {
            if ((bits & 1) != 0) result = Multiply(result, square);
            square = Multiply(square, square);
        }

        return result;
    }

    public static uint TimesX(uint value) => (value & 1) != 0 ? (value >> 1) ^ Polynomial : value >> 1;

    /// <summary>
    /// a·b·x³². The product has its x⁰ at bit 62; one bit further it is what the instruction reads as 8 bytes.
    /// </summary>
    private static uint MultiplyReduced(uint a, uint b)
    {
        var product = Pclmulqdq.CarrylessMultiply(Vector128.CreateScalar((ulong)a), Vector128.CreateScalar((ulong)b), 0);
        return (uint)Sse42.X64.Crc32(0, product.ToScalar() << 1);
    }

    private static uint Multiply(uint a, uint b)
    {
        var product = 0u;
        for (var mask = One; mask != 0; mask >>= 1)
        {
            if ((a & mask) != 0) product ^= b;
            b = TimesX(b);
        }

        return product;
    }

    private static uint[] BuildShift()
    {
        var shift = new uint[63];
        shift[0] = Power(8);
        for (var i = 1; i < shift.Length; i++) shift[i] = Multiply(shift[i - 1], shift[i - 1]);
        return shift;
    }
}
