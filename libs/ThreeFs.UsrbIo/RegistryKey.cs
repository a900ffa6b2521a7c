using System.Buffers.Text;
using System.Text;

namespace ThreeFs.UsrbIo;

/// <summary>Which of a mount's three classes of ring workers serves a ring.</summary>
public enum RingPriority : byte
{
    High = 0,
    Normal = 1,
    Low = 2,
}

[Flags]
public enum RingFlags : ulong
{
    None = 0,

    /// <summary>Reads may answer bytes that are not committed yet.</summary>
    AllowReadUncommitted = 1,

    /// <summary>A read that meets a hole ends with -ENODATA instead of zeros.</summary>
    ForbidReadHoles = 2,
}

/// <summary>
/// The name under which shared memory is registered in a mount's <c>3fs-virt/iovs</c>: a UUID and, separated by dots in
/// any order, what the memory is for.
/// </summary>
/// <remarks>
/// <c>b&lt;bytes&gt;</c> block size, <c>r&lt;depth&gt;</c> or <c>w&lt;depth&gt;</c> a ring for reads or writes with its
/// signed depth, and on rings only <c>t&lt;milliseconds&gt;</c> timeout, <c>f&lt;binary digits&gt;</c> flags, and
/// <c>ph</c>, <c>pn</c>, <c>pl</c> or <c>p</c> priority.
/// </remarks>
/// <param name="BlockSize">
/// An operation must not cross a multiple of it in a buffer; 0: the buffer is one block.
/// </param>
/// <param name="Depth">
/// Operations of a job. Positive: exactly so many, and fewer wait for more. 0: whatever is there. Negative: at most so
/// many.
/// </param>
/// <param name="TimeoutMs">With a negative depth: how long an incomplete job waits for more.</param>
public readonly record struct RegistryKey(
    BufferId Id,
    ulong BlockSize,
    bool IsRing,
    bool ForRead,
    int Depth,
    int TimeoutMs,
    RingFlags Flags,
    RingPriority Priority)
{
    /// <summary>Of a buffer for data.</summary>
    public static RegistryKey OfBuffer(BufferId id, ulong blockSize) =>
        new(id, blockSize, false, false, 0, 0, RingFlags.None, RingPriority.Normal);

    /// <summary>Bytes of the longest name that <see cref="TryFormat"/> makes.</summary>
    public const int MaxLength = 160;

    private const int UuidLength = 36;

    /// <summary>Reads a name; false when it is not one.</summary>
    public static bool TryParse(ReadOnlySpan<byte> name, out RegistryKey key)
    {
        key = default;
        if (!TryParseUuid(name, out var id)) return false;
        var result = OfBuffer(id, 0);
        var hasRingOption = false;
        for (var rest = name[UuidLength..]; !rest.IsEmpty;)
        {
            if (rest[0] != '.') return false;
            rest = rest[1..];
            var end = rest.IndexOf((byte)'.');
            var part = end < 0 ? rest : rest[..end];
            if (part.IsEmpty || !TryTake(part, ref result, ref hasRingOption)) return false;
            rest = rest[part.Length..];
        }

        if (hasRingOption && !result.IsRing) return false;
        key = result;
        return true;
    }

    private static bool TryTake(ReadOnlySpan<byte> part, ref RegistryKey key, ref bool hasRingOption)
    {
        var value = part[1..];
        switch (part[0])
        {
            case (byte)'b':
                if (!TryNumber(value, out long size) || size <= 0) return false;
                key = key with { BlockSize = (ulong)size };
                return true;
            case (byte)'r' or (byte)'w':
                if (key.IsRing || !TryNumber(value, out long depth)) return false;
                if (depth is < -RingLayout.MaxEntries or > RingLayout.MaxEntries) return false;
                key = key with { IsRing = true, ForRead = part[0] == 'r', Depth = (int)depth };
                return true;
            case (byte)'t':
                if (!TryNumber(value, out long timeout) || timeout is < 0 or > int.MaxValue) return false;
                key = key with { TimeoutMs = (int)timeout };
                break;
            case (byte)'f':
                if (!TryBinary(value, out var flags)) return false;
                key = key with { Flags = (RingFlags)flags };
                break;
            case (byte)'p':
                if (!TryPriority(value, out var priority)) return false;
                key = key with { Priority = priority };
                break;
            default:
                return false;
        }

        hasRingOption = true;
        return true;
    }

    private static bool TryPriority(ReadOnlySpan<byte> value, out RingPriority priority)
    {
        priority = value switch
        {
            [(byte)'h'] => RingPriority.High,
            [(byte)'l'] => RingPriority.Low,
            _ => RingPriority.Normal,
        };
        return value is [] or [(byte)'h' or (byte)'l' or (byte)'n'];
    }

    private static bool TryNumber(ReadOnlySpan<byte> text, out long value) =>
        Utf8Parser.TryParse(text, out value, out var used) && used == text.Length && text[0] != '+';

    private static bool TryBinary(ReadOnlySpan<byte> text, out ulong value)
    {
        value = 0;
        if (text.Length is 0 or > 64) return false;
        foreach (var c in text)
        {
            if (c is not ((byte)'0' or (byte)'1')) return false;
            value = (value << 1) | (uint)(c - '0');
        }

        return true;
    }

    private static bool TryParseUuid(ReadOnlySpan<byte> name, out BufferId id)
    {
        id = default;
        if (name.Length < UuidLength) return false;
        Span<byte> bytes = stackalloc byte[16];
        var at = 0;
        for (var i = 0; i < UuidLength;)
        {
            if (i is 8 or 13 or 18 or 23)
            {
                if (name[i++] != '-') return false;
                continue;
            }

            var (high, low) = (HexOf(name[i]), HexOf(name[i + 1]));
            if (high < 0 || low < 0) return false;
            bytes[at++] = (byte)(high << 4 | low);
            i += 2;
        }

        id = System.Runtime.InteropServices.MemoryMarshal.Read<BufferId>(bytes);
        return true;
    }

    /// <summary>Lower case only: the text of an id is one.</summary>
    private static int HexOf(byte c) => c switch
    {
        >= (byte)'0' and <= (byte)'9' => c - '0',
        >= (byte)'a' and <= (byte)'f' => c - 'a' + 10,
        _ => -1,
    };

    /// <summary>Writes the name the way the library registers it; false when there is no room.</summary>
    public bool TryFormat(Span<byte> name, out int length)
    {
        length = 0;
        if (name.Length < MaxLength) return false;
        var writer = new Writer(name);
        writer.AddUuid(Id);
        if (BlockSize > 0) writer.AddNumber(".b"u8, (long)BlockSize);
        if (IsRing)
        {
            writer.AddNumber(ForRead ? ".r"u8 : ".w"u8, Depth);
            writer.AddNumber(".t"u8, TimeoutMs);
            if (Flags != RingFlags.None) writer.AddBinary(".f"u8, (ulong)Flags);
            if (Priority == RingPriority.High) writer.Add(".ph"u8);
            if (Priority == RingPriority.Low) writer.Add(".pl"u8);
        }

        length = writer.Length;
        return true;
    }

    public override string ToString()
    {
        Span<byte> name = stackalloc byte[MaxLength];
        TryFormat(name, out var length);
        return Encoding.ASCII.GetString(name[..length]);
    }

    private ref struct Writer(Span<byte> space)
    {
        private readonly Span<byte> _space = space;

        public int Length { get; private set; }

        public void Add(ReadOnlySpan<byte> text)
        {
            text.CopyTo(_space[Length..]);
            Length += text.Length;
        }

        public void AddNumber(ReadOnlySpan<byte> prefix, long value)
        {
            Add(prefix);
            Utf8Formatter.TryFormat(value, _space[Length..], out var written);
            Length += written;
        }

        public void AddBinary(ReadOnlySpan<byte> prefix, ulong value)
        {
            Add(prefix);
            for (var bit = 63 - System.Numerics.BitOperations.LeadingZeroCount(value); bit >= 0; bit--)
                _space[Length++] = (byte)('0' + (value >> bit & 1));
        }

        public void AddUuid(BufferId id)
        {
            Span<byte> bytes = stackalloc byte[16];
            System.Runtime.InteropServices.MemoryMarshal.Write(bytes, id);
            for (var i = 0; i < bytes.Length; i++)
            {
                if (i is 4 or 6 or 8 or 10) _space[Length++] = (byte)'-';
                _space[Length++] = "0123456789abcdef"u8[bytes[i] >> 4];
                _space[Length++] = "0123456789abcdef"u8[bytes[i] & 15];
            }
        }
    }
}
