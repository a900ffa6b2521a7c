namespace ThreeFs.Kv.Buffering;

/// <summary>What a transaction will do to one key.</summary>
internal struct PendingWrite
{
    public WriteKind Kind;

    /// <summary>The value of a Set or, with room for the stamp at <see cref="StampOffset"/>, of a StampedSet.</summary>
    public byte[]? Value;

    public int StampOffset;

    /// <summary>Of a Mutate, in order.</summary>
    public List<(KvMutation Mutation, byte[] Operand)>? Operations;

    /// <summary>The key's value after this write on top of <paramref name="current"/>; null: no value.</summary>
    public readonly byte[]? ApplyTo(bool exists, ReadOnlySpan<byte> current)
    {
        if (Kind == WriteKind.Set) return Value;
        if (Kind == WriteKind.Clear) return null;
        byte[]? value = null;
        foreach (var (mutation, operand) in Operations!)
            value = value is null
                ? Mutations.Apply(mutation, exists, current, operand)
                : Mutations.Apply(mutation, true, value, operand);
        return value;
    }
}

internal enum WriteKind : byte
{
    Set,
    Clear,

    /// <summary>Atomic mutations on a value that this transaction does not know.</summary>
    Mutate,

    /// <summary>A value that contains the commit's stamp.</summary>
    StampedSet,
}

/// <summary>A key that contains the commit's stamp, with the bounds of the keys it could become.</summary>
internal readonly record struct StampedKey(byte[] Key, int Offset, byte[] Value, byte[] Lowest, byte[] Beyond);
