using ThreeFs.Base;

namespace ThreeFs.Kv.Buffering;

/// <summary>Which keys and ranges an engine accepts.</summary>
internal static class KeyRules
{
    public static Status CheckKey(ReadOnlySpan<byte> key)
    {
        if (key.IsEmpty) return new Status(StatusCode.InvalidArgument, "a key has at least one byte");
        if (key.Length > KvLimits.MaxKeyBytes)
            return new Status(StatusCode.TxTooLarge, $"key of {key.Length} bytes, the limit is {KvLimits.MaxKeyBytes}");
        return key[0] == 0xFF
            ? new Status(StatusCode.InvalidArgument, $"key {KvKeys.Describe(key)} starts with 0xFF, which is reserved")
            : Status.Ok;
    }

    /// <summary>
    /// Bounds may be empty (the start of everything), up to 0xFF (its end), and one byte longer than a key.
    /// </summary>
    public static Status CheckRange(ReadOnlySpan<byte> begin, ReadOnlySpan<byte> end)
    {
        if (begin.Length > KvLimits.MaxKeyBytes + 1 || end.Length > KvLimits.MaxKeyBytes + 1)
            return new Status(
                StatusCode.TxTooLarge,
                $"a bound of the range is longer than {KvLimits.MaxKeyBytes} bytes");
        if (begin.SequenceCompareTo(end) > 0)
            return new Status(
                StatusCode.InvalidArgument,
                $"inverted range: {KvKeys.Describe(begin)} is behind {KvKeys.Describe(end)}");
        return end.SequenceCompareTo(KvKeys.End) > 0
            ? new Status(StatusCode.InvalidArgument, "a range ends at 0xFF at the latest, what follows is reserved")
            : Status.Ok;
    }
}
