using System.Runtime.InteropServices;

namespace ThreeFs.Kv.FoundationDb.Native;

/// <summary>FDBKeyValue: one row of a range, in the memory of its future.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal readonly unsafe struct FdbKeyValue(byte* key, int keyLength, byte* value, int valueLength)
{
    private readonly byte* _key = key;
    private readonly int _keyLength = keyLength;
    private readonly byte* _value = value;
    private readonly int _valueLength = valueLength;

    public ReadOnlySpan<byte> Key => new(_key, _keyLength);
    public ReadOnlySpan<byte> Value => new(_value, _valueLength);
}

/// <summary>FDBKey: one key of an array, in the memory of its future.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal readonly unsafe struct FdbKey(byte* key, int length)
{
    private readonly byte* _key = key;
    private readonly int _length = length;

    public ReadOnlySpan<byte> Span => new(_key, _length);
}

/// <summary>How much of a range the database sends at once.</summary>
internal enum FdbStreamingMode
{
    /// <summary>The caller wants everything, in pieces of the largest efficient size.</summary>
    WantAll = -2,

    /// <summary>
    /// The caller goes on from page to page, each larger than the one before: pass the number of the page.
    /// </summary>
    Iterator = -1,

    /// <summary>Exactly the limit of rows or bytes, which must be given, in one page.</summary>
    Exact = 0,

    Small = 1,
    Medium = 2,
    Large = 3,

    /// <summary>Pages so large that one client at a time gets the most out of the database.</summary>
    Serial = 4,
}

/// <summary>Changes of a value that the database makes without a read.</summary>
internal enum FdbMutation
{
    Add = 2,
    BitAnd = 6,
    BitOr = 7,
    BitXor = 8,
    AppendIfFits = 9,
    Max = 12,
    Min = 13,
    SetVersionstampedKey = 14,
    SetVersionstampedValue = 15,
    ByteMin = 16,
    ByteMax = 17,
    CompareAndClear = 20,
}

internal enum FdbConflictRange
{
    Read = 0,
    Write = 1,
}

internal enum FdbErrorPredicate
{
    Retryable = 50000,
    MaybeCommitted = 50001,
    RetryableNotCommitted = 50002,
}
