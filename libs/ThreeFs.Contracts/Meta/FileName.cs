using System.Text;

namespace ThreeFs.Contracts.Meta;

/// <summary>
/// One path component: bytes, as POSIX has it, not text. Compared byte by byte. Validity (not empty, no "/", no NUL, at most
/// <see cref="MaxLength"/> bytes) is checked where it enters the system.
/// </summary>
public readonly struct FileName(ReadOnlyMemory<byte> bytes) : IEquatable<FileName>, IComparable<FileName>
{
    public const int MaxLength = 255;

    public ReadOnlyMemory<byte> Bytes { get; } = bytes;
    public ReadOnlySpan<byte> Span => Bytes.Span;

    public static FileName FromText(string text) => new(Encoding.UTF8.GetBytes(text));

    public bool IsDot => Span.SequenceEqual("."u8);
    public bool IsDotDot => Span.SequenceEqual(".."u8);
    public bool IsTooLong => Bytes.Length > MaxLength;

    /// <summary>Can name an entry: neither empty, "." nor "..", without "/" and NUL. Length is a matter of its own.</summary>
    public bool IsEntryName => !Bytes.IsEmpty && !IsDot && !IsDotDot && Span.IndexOfAny((byte)'/', (byte)0) < 0;

    public bool Equals(FileName other) => Span.SequenceEqual(other.Span);
    public override bool Equals(object? obj) => obj is FileName other && Equals(other);
    public int CompareTo(FileName other) => Span.SequenceCompareTo(other.Span);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        hash.AddBytes(Span);
        return hash.ToHashCode();
    }

    /// <summary>For messages only; bytes that are not UTF-8 are replaced.</summary>
    public override string ToString() => Encoding.UTF8.GetString(Span);
}
