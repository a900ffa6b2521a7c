using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace ThreeFs.Kv.FoundationDb.StackTester;

/// <summary>Twelve bytes that a commit fills in: its stamp and a number of the caller's.</summary>
internal sealed record TupleStamp(byte[] Bytes)
{
    public bool IsIncomplete => Bytes.AsSpan(0, Versionstamp.Size).IndexOfAnyExcept((byte)0xFF) < 0;
}

/// <summary>
/// FoundationDB's tuple encoding, which sorts as the elements do. Elements: null, byte[], string, object?[] (nested),
/// BigInteger (any integer), float, double, bool, Guid, <see cref="TupleStamp"/>.
/// </summary>
internal static class TupleCodec
{
    private const byte Null = 0x00, Bytes = 0x01, Text = 0x02, Nested = 0x05, LongNegative = 0x0B, Zero = 0x14,
        LongPositive = 0x1D, Single = 0x20, Double = 0x21, False = 0x26, True = 0x27, Uuid = 0x30, Stamp = 0x33;

    public static byte[] Pack(params object?[] items)
    {
        var packed = new List<byte>();
        foreach (var item in items) Write(packed, item, isNested: false);
        return [.. packed];
    }

    public static object?[] Unpack(ReadOnlySpan<byte> packed)
    {
        var items = new List<object?>();
        while (!packed.IsEmpty) items.Add(Read(ref packed, isNested: false));
        return [.. items];
    }

    /// <summary>The place of the one incomplete stamp, -1 without one, -2 with several.</summary>
    public static int FindIncomplete(object?[] items) => FindIncomplete(items, isNested: false);

    private static int FindIncomplete(object?[] items, bool isNested)
    {
        var place = -1;
        var before = new List<byte>();
        foreach (var item in items)
        {
            var within = item switch
            {
                TupleStamp { IsIncomplete: true } => 0,
                object?[] nested => FindIncomplete(nested, isNested: true),
                _ => -1,
            };
            if (within == -2 || (within >= 0 && place >= 0)) return -2;
            if (within >= 0) place = before.Count + 1 + within;
            Write(before, item, isNested);
        }

        return place;
    }

    private static void Write(List<byte> to, object? item, bool isNested)
    {
        switch (item)
        {
            case null:
                to.Add(Null);
                if (isNested) to.Add(0xFF);
                break;
            case byte[] bytes:
                WriteEscaped(to, Bytes, bytes);
                break;
            case string text:
                WriteEscaped(to, Text, Encoding.UTF8.GetBytes(text));
                break;
            case object?[] items:
                to.Add(Nested);
                foreach (var inner in items) Write(to, inner, isNested: true);
                to.Add(0);
                break;
            case int or long:
                WriteInteger(to, new BigInteger(Convert.ToInt64(item)));
                break;
            case BigInteger number:
                WriteInteger(to, number);
                break;
            case float number:
                to.Add(Single);
                to.AddRange(Ordered(BigEndian(BitConverter.SingleToUInt32Bits(number), 4)));
                break;
            case double number:
                to.Add(Double);
                to.AddRange(Ordered(BigEndian(BitConverter.DoubleToUInt64Bits(number), 8)));
                break;
            case bool flag:
                to.Add(flag ? True : False);
                break;
            case Guid id:
                to.Add(Uuid);
                to.AddRange(id.ToByteArray(bigEndian: true));
                break;
            case TupleStamp stamp:
                to.Add(Stamp);
                to.AddRange(stamp.Bytes);
                break;
            default:
                throw new ArgumentException($"a tuple has no element of type {item.GetType()}");
        }
    }

    private static object? Read(ref ReadOnlySpan<byte> from, bool isNested)
    {
        var code = Take(ref from, 1)[0];
        switch (code)
        {
            case Null:
                if (isNested) Take(ref from, 1);
                return null;
            case Bytes:
                return ReadEscaped(ref from);
            case Text:
                return Encoding.UTF8.GetString(ReadEscaped(ref from));
            case Nested:
                var items = new List<object?>();
                while (from[0] != 0 || (from.Length > 1 && from[1] == 0xFF)) items.Add(Read(ref from, isNested: true));
                Take(ref from, 1);
                return items.ToArray();
            case Single:
                var single = BinaryPrimitives.ReadUInt32BigEndian(Natural(Take(ref from, 4)));
                return BitConverter.UInt32BitsToSingle(single);
            case Double:
                var number = BinaryPrimitives.ReadUInt64BigEndian(Natural(Take(ref from, 8)));
                return BitConverter.UInt64BitsToDouble(number);
            case False or True:
                return code == True;
            case Uuid:
                return new Guid(Take(ref from, 16), bigEndian: true);
            case Stamp:
                return new TupleStamp(Take(ref from, 12).ToArray());
            case >= LongNegative and <= LongPositive:
                return ReadInteger(ref from, code);
            default:
                throw new FormatException($"a tuple has no element with code {code:x2}");
        }
    }

    private static void WriteInteger(List<byte> to, BigInteger number)
    {
        var size = BigInteger.Abs(number).GetByteCount(isUnsigned: true);
        if (number.IsZero) to.Add(Zero);
        else if (size <= 8) to.Add((byte)(number.Sign > 0 ? Zero + size : Zero - size));
        else to.AddRange(number.Sign > 0 ? [LongPositive, (byte)size] : [LongNegative, (byte)(size ^ 0xFF)]);
        if (number.IsZero) return;
        if (number.Sign < 0) number += (BigInteger.One << (8 * size)) - 1;
        var bytes = number.ToByteArray(isUnsigned: true, isBigEndian: true);
        to.AddRange(Enumerable.Repeat((byte)0, number.IsZero ? size : size - bytes.Length));
        if (!number.IsZero) to.AddRange(bytes);
    }

    private static BigInteger ReadInteger(ref ReadOnlySpan<byte> from, byte code)
    {
        var size = code switch
        {
            LongPositive => Take(ref from, 1)[0],
            LongNegative => Take(ref from, 1)[0] ^ 0xFF,
            _ => Math.Abs(code - Zero),
        };
        var number = new BigInteger(Take(ref from, size), isUnsigned: true, isBigEndian: true);
        return code < Zero ? number - ((BigInteger.One << (8 * size)) - 1) : number;
    }

    private static void WriteEscaped(List<byte> to, byte code, ReadOnlySpan<byte> bytes)
    {
        to.Add(code);
        foreach (var b in bytes)
        {
            to.Add(b);
            if (b == 0) to.Add(0xFF);
        }

        to.Add(0);
    }

    private static byte[] ReadEscaped(ref ReadOnlySpan<byte> from)
    {
        var bytes = new List<byte>();
        while (true)
        {
            var b = Take(ref from, 1)[0];
            if (b == 0 && (from.IsEmpty || from[0] != 0xFF)) return [.. bytes];
            if (b == 0) Take(ref from, 1);
            bytes.Add(b);
        }
    }

    /// <summary>
    /// Bits of a float so that bytes sort as numbers: all inverted when negative, else only the
    /// sign.
    /// </summary>
    private static byte[] Ordered(byte[] bits)
    {
        var isNegative = bits[0] >= 0x80;
        for (var i = 0; i < bits.Length; i++) bits[i] ^= (byte)(isNegative ? 0xFF : i == 0 ? 0x80 : 0);
        return bits;
    }

    private static byte[] Natural(ReadOnlySpan<byte> ordered)
    {
        var bits = ordered.ToArray();
        var isNegative = bits[0] < 0x80;
        for (var i = 0; i < bits.Length; i++) bits[i] ^= (byte)(isNegative ? 0xFF : i == 0 ? 0x80 : 0);
        return bits;
    }

    private static byte[] BigEndian(ulong bits, int size)
    {
        var bytes = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, bits);
        return bytes[^size..];
    }

    private static ReadOnlySpan<byte> Take(ref ReadOnlySpan<byte> from, int count)
    {
        var taken = from[..count];
        from = from[count..];
        return taken;
    }
}
