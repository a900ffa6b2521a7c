using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace ThreeFs.Base;

/// <summary>
/// CRC-32C of long inputs by folding (Gopal and others, "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ
/// Instruction", Intel 2009): 128 bits are moved over the D bits behind them by two carry-less multiplications, and
/// added to what is there. Four accumulators hide the multiplier's latency. The last 128 bits are reduced by the CRC
/// instruction.
/// </summary>
/// <remarks>
/// Bits are reflected, so the low half of an accumulator is the earlier one, D + 64 bits from the end, the high half D.
/// A product of two reflected numbers is one bit short, and a half is 64 bits where the constant has 32: together the
/// constants are x^(D+32) and x^(D−32), one bit to the left.
/// </remarks>
internal static class Crc32CFolding
{
    /// <summary>Bytes from which the 512-bit way is taken.</summary>
    public const int MinWide = 256;

    /// <summary>Bytes from which the 128-bit way is taken.</summary>
    public const int MinNarrow = 128;

    private static readonly Vector128<ulong> _by128 = Constants(128);
    private static readonly Vector128<ulong> _by256 = Constants(256);
    private static readonly Vector128<ulong> _by384 = Constants(384);
    private static readonly Vector128<ulong> _by512 = Constants(512);
    private static readonly Vector128<ulong> _by2048 = Constants(2048);

    public static bool IsSupported => Pclmulqdq.IsSupported && Sse42.X64.IsSupported;

    public static bool IsWideSupported => Pclmulqdq.V512.IsSupported && Avx512F.IsSupported && IsSupported;

    /// <summary>
    /// Consumes whole 64-byte blocks of <paramref name="data"/> (at least four) and leaves the rest in it.
    /// </summary>
    public static uint UpdateWide(uint state, ref ReadOnlySpan<byte> data)
    {
        ref var at = ref MemoryMarshal.GetReference(data);
        var left = data.Length;
        var a = Wide(ref at, 0) ^ Vector512.CreateScalar((ulong)state);
        var b = Wide(ref at, 64);
        var c = Wide(ref at, 128);
        var d = Wide(ref at, 192);
        var by = Broadcast(_by2048);
        for (left -= 256, at = ref Unsafe.Add(ref at, 256); left >= 256; left -= 256, at = ref Unsafe.Add(ref at, 256))
        {
            a = Fold(a, by) ^ Wide(ref at, 0);
            b = Fold(b, by) ^ Wide(ref at, 64);
            c = Fold(c, by) ^ Wide(ref at, 128);
            d = Fold(d, by) ^ Wide(ref at, 192);
        }

        by = Broadcast(_by512);
        b ^= Fold(a, by);
        c ^= Fold(b, by);
        d ^= Fold(c, by);
        for (; left >= 64; left -= 64, at = ref Unsafe.Add(ref at, 64)) d = Fold(d, by) ^ Wide(ref at, 0);

        var low = d.GetLower();
        var high = d.GetUpper();
        var last = high.GetUpper() ^ Fold(high.GetLower(), _by128) ^ Fold(low.GetUpper(), _by256) ^ Fold(low.GetLower(), _by384);
        data = data[^left..];
        return Reduce(last);
    }

    /// <summary>
    /// Consumes whole 16-byte blocks of <paramref name="data"/> (at least four) and leaves the rest in it.
    /// </summary>
    public static uint Update(uint state, ref ReadOnlySpan<byte> data)
    {
        ref var at = ref MemoryMarshal.GetReference(data);
        var left = data.Length;
        var a = Narrow(ref at, 0) ^ Vector128.CreateScalar((ulong)state);
        var b = Narrow(ref at, 16);
        var c = Narrow(ref at, 32);
        var d = Narrow(ref at, 48);
        var by = _by512;
        for (left -= 64, at = ref Unsafe.Add(ref at, 64); left >= 64; left -= 64, at = ref Unsafe.Add(ref at, 64))
        {
            a = Fold(a, by) ^ Narrow(ref at, 0);
            b = Fold(b, by) ^ Narrow(ref at, 16);
            c = Fold(c, by) ^ Narrow(ref at, 32);
            d = Fold(d, by) ^ Narrow(ref at, 48);
        }

        by = _by128;
        b ^= Fold(a, by);
        c ^= Fold(b, by);
        d ^= Fold(c, by);
        for (; left >= 16; left -= 16, at = ref Unsafe.Add(ref at, 16)) d = Fold(d, by) ^ Narrow(ref at, 0);
        data = data[^left..];
        return Reduce(d);
    }

    private static uint Reduce(Vector128<ulong> last) =>
        (uint)Sse42.X64.Crc32(Sse42.X64.Crc32(0, last.GetElement(0)), last.GetElement(1));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ulong> Fold(Vector512<ulong> value, Vector512<ulong> by) =>
        Pclmulqdq.V512.CarrylessMultiply(value, by, 0x00) ^ Pclmulqdq.V512.CarrylessMultiply(value, by, 0x11);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<ulong> Fold(Vector128<ulong> value, Vector128<ulong> by) =>
        Pclmulqdq.CarrylessMultiply(value, by, 0x00) ^ Pclmulqdq.CarrylessMultiply(value, by, 0x11);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ulong> Wide(ref byte at, nuint offset) => Vector512.LoadUnsafe(ref at, offset).AsUInt64();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<ulong> Narrow(ref byte at, nuint offset) => Vector128.LoadUnsafe(ref at, offset).AsUInt64();

    private static Vector512<ulong> Broadcast(Vector128<ulong> constants) =>
        Vector512.Create(Vector256.Create(constants, constants), Vector256.Create(constants, constants));

    private static Vector128<ulong> Constants(uint distance) => Vector128.Create(
        (ulong)Crc32CPowers.Power(distance + 32) << 1,
        (ulong)Crc32CPowers.Power(distance - 32) << 1);
}
