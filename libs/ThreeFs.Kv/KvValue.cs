namespace ThreeFs.Kv;

/// <summary>The answer to a get: a value, possibly empty, or none.</summary>
public readonly struct KvValue
{
    private readonly byte[]? _bytes;

    public KvValue(byte[]? bytes) => _bytes = bytes;

    public static KvValue Missing => default;

    public bool Exists => _bytes is not null;
    public ReadOnlySpan<byte> Span => _bytes;
    public ReadOnlyMemory<byte> Memory => _bytes;

    /// <summary>The bytes themselves, null when there is no value. Owned by the caller of the get.</summary>
    public byte[]? Bytes => _bytes;

    public override string ToString() => _bytes is null ? "(missing)" : Convert.ToHexString(_bytes);
}
