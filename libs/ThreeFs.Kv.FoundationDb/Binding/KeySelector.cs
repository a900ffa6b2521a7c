namespace ThreeFs.Kv.FoundationDb.Binding;

/// <summary>
/// A key by its place: from the last key that is less than <paramref name="key"/> (or equal, with <paramref
/// name="orEqual"/>), so many keys further.
/// </summary>
internal readonly ref struct KeySelector(ReadOnlySpan<byte> key, bool orEqual, int offset)
{
    public ReadOnlySpan<byte> Key { get; } = key;
    public bool OrEqual { get; } = orEqual;
    public int Offset { get; } = offset;

    public static KeySelector LastLessThan(ReadOnlySpan<byte> key) => new(key, false, 0);

    public static KeySelector LastLessOrEqual(ReadOnlySpan<byte> key) => new(key, true, 0);

    public static KeySelector FirstGreaterThan(ReadOnlySpan<byte> key) => new(key, true, 1);

    public static KeySelector FirstGreaterOrEqual(ReadOnlySpan<byte> key) => new(key, false, 1);
}
