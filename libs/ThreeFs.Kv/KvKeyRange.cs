namespace ThreeFs.Kv;

/// <summary>The keys with <see cref="Begin"/> ≤ key &lt; <see cref="End"/>.</summary>
public readonly record struct KvKeyRange(byte[] Begin, byte[] End)
{
    /// <summary>Exactly one key.</summary>
    public static KvKeyRange Of(ReadOnlySpan<byte> key) => new(key.ToArray(), KvKeys.After(key));

    /// <summary>Every key that starts with <paramref name="prefix"/>.</summary>
    public static KvKeyRange WithPrefix(ReadOnlySpan<byte> prefix) => new(prefix.ToArray(), KvKeys.PrefixEnd(prefix));

    public bool Contains(ReadOnlySpan<byte> key) => key.SequenceCompareTo(Begin) >= 0 && key.SequenceCompareTo(End) < 0;

    public bool Equals(KvKeyRange other) =>
        Begin.AsSpan().SequenceEqual(other.Begin) && End.AsSpan().SequenceEqual(other.End);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        hash.AddBytes(Begin);
        hash.AddBytes(End);
        return hash.ToHashCode();
    }

    public override string ToString() => $"[{KvKeys.Describe(Begin)}, {KvKeys.Describe(End)})";
}
