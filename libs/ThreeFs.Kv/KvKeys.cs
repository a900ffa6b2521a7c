using System.Text;

namespace ThreeFs.Kv;

/// <summary>Arithmetic on ordered keys.</summary>
public static class KvKeys
{
    /// <summary>The first key that no user key reaches; a valid end of a range.</summary>
    public static ReadOnlySpan<byte> End => [0xFF];

    /// <summary>The smallest key greater than <paramref name="key"/>.</summary>
    public static byte[] After(ReadOnlySpan<byte> key)
    {
        var after = new byte[key.Length + 1];
        key.CopyTo(after);
        return after;
    }

    /// <summary>
    /// The smallest key greater than every key with <paramref name="prefix"/>: trailing 0xFF dropped, the last byte
    /// incremented. Without such a key (nothing but 0xFF, or empty) the end of all user keys.
    /// </summary>
    public static byte[] PrefixEnd(ReadOnlySpan<byte> prefix)
    {
        while (!prefix.IsEmpty && prefix[^1] == 0xFF) prefix = prefix[..^1];
        if (prefix.IsEmpty) return End.ToArray();
        var end = prefix.ToArray();
        end[^1]++;
        return end;
    }

    /// <summary>For messages: printable ASCII as is, other bytes as \xNN, cut after 64 bytes.</summary>
    public static string Describe(ReadOnlySpan<byte> key)
    {
        var text = new StringBuilder();
        foreach (var b in key[..Math.Min(key.Length, 64)])
            if (b is >= 0x20 and < 0x7F and not (byte)'\\') text.Append((char)b);
            else text.Append($"\\x{b:x2}");
        return key.Length > 64 ? $"{text}… ({key.Length} bytes)" : text.ToString();
    }
}
