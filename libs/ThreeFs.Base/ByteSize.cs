using System.Globalization;

namespace ThreeFs.Base;

/// <summary>A number of bytes that reads and prints with binary units: "1MiB", "64KiB", "512".</summary>
public readonly record struct ByteSize(long Bytes)
{
    public const long KiB = 1L << 10;
    public const long MiB = 1L << 20;
    public const long GiB = 1L << 30;
    public const long TiB = 1L << 40;

    private static readonly (string Suffix, long Factor)[] _units =
    [
        ("TiB", TiB), ("GiB", GiB), ("MiB", MiB), ("KiB", KiB),
        ("T", TiB), ("G", GiB), ("M", MiB), ("K", KiB), ("B", 1),
    ];

    /// <summary>Parses "1MiB", "1M", "1048576" and "1048576B"; units are binary, case does not matter, fractions are refused.</summary>
    public static bool TryParse(string? text, out ByteSize size)
    {
        size = default;
        if (string.IsNullOrWhiteSpace(text)) return false;
        var span = text.AsSpan().Trim();
        var factor = 1L;
        foreach (var (suffix, unit) in _units)
        {
            if (!span.EndsWith(suffix, StringComparison.OrdinalIgnoreCase)) continue;
            span = span[..^suffix.Length].TrimEnd();
            factor = unit;
            break;
        }

        if (!long.TryParse(span, NumberStyles.None, CultureInfo.InvariantCulture, out var count)) return false;
        if (count > long.MaxValue / factor) return false;
        size = new ByteSize(count * factor);
        return true;
    }

    /// <summary>The shortest exact form, else one decimal: "1MiB", "1.5GiB".</summary>
    public override string ToString()
    {
        foreach (var (suffix, unit) in _units.AsSpan(0, 4))
        {
            if (Bytes < unit) continue;
            return Bytes % unit == 0
                ? $"{Bytes / unit}{suffix}"
                : string.Create(CultureInfo.InvariantCulture, $"{(double)Bytes / unit:0.0}{suffix}");
        }

        return $"{Bytes}B";
    }

    public static implicit operator long(ByteSize size) => size.Bytes;
}
