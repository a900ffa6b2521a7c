using ThreeFs.Base;

namespace ThreeFs.Sim.Checks.Files;

/// <summary>Something that gave bytes of a file a value: a write, or what made all bytes from an offset on zeros.</summary>
internal sealed class FileEvent
{
    /// <summary>0: zeros from <see cref="Offset"/> on, without end. Otherwise a write, and what its bytes are made of.</summary>
    public required ulong Pattern { get; init; }

    /// <summary>Who did it; nobody for what was there at first.</summary>
    public string Who { get; init; } = "";

    public required long Offset { get; init; }

    /// <summary>Writes: bytes. Cuts: without meaning.</summary>
    public int Length { get; init; }

    public required long Began { get; init; }

    /// <summary>When it was answered Ok; never, when it failed or its client died: it may still happen.</summary>
    public long Ended { get; set; } = long.MaxValue;

    /// <summary>When its client had told the metadata service how far it wrote; others see the length from then on.</summary>
    public long Reported { get; set; } = long.MaxValue;

    /// <summary>An fsync covers it: no loss of power may undo it.</summary>
    public bool IsDurable { get; set; }

    /// <summary>The same for the length that it left.</summary>
    public bool IsLengthDurable { get; set; }

    public bool IsWrite => Pattern != 0;

    public long End => IsWrite ? Offset + Length : long.MaxValue;

    public bool Covers(long from, long to) => Offset <= from && to <= End;

    /// <summary>The byte that this leaves at a place of the file.</summary>
    public byte At(long place) => IsWrite ? Byte(Pattern, place) : (byte)0;

    public void Fill(Span<byte> bytes)
    {
        for (var i = 0; i < bytes.Length; i++) bytes[i] = Byte(Pattern, Offset + i);
    }

    public bool Matches(long from, ReadOnlySpan<byte> bytes)
    {
        for (var i = 0; i < bytes.Length; i++)
            if (bytes[i] != At(from + i)) return false;
        return true;
    }

    public override string ToString()
    {
        var what = IsWrite ? $"write of {Length} B at {Offset}" : Began < 0 ? "nothing" : $"cut to {Offset}";
        return $"{what} by {Who} ({Began / 1e7:0.0000} to {(Ended == long.MaxValue ? "-" : $"{Ended / 1e7:0.0000}")}"
            + $"{(Reported == long.MaxValue ? "" : $", reported {Reported / 1e7:0.0000}")}{(IsDurable ? ", durable" : "")})";
    }

    private static byte Byte(ulong pattern, long place)
    {
        // Never 0, so that a write is not taken for a hole.
        var mixed = (pattern + (ulong)(place >> 3)) * 0x9E3779B97F4A7C15UL;
        var value = (byte)(mixed >> (int)((place & 7) * 8));
        return value == 0 ? (byte)0x5A : value;
    }
}
