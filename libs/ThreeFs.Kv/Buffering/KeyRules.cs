using ThreeFs.Base;

namespace ThreeFs.Kv.Buffering;

/// <summary>Which keys, ranges and values an engine accepts; how long keys may be depends on who asks.</summary>
internal sealed class KeyRules(int maxKeyBytes)
{
    /// <summary>Those of the contract.</summary>
    public static KeyRules Contract { get; } = new(KvLimits.MaxKeyBytes);

    public static Status TooManyBytes =>
        new(StatusCode.TxTooLarge, $"the transaction writes more than {KvLimits.MaxTransactionBytes} bytes");

    public Status CheckKey(ReadOnlySpan<byte> key)
    {
        if (key.IsEmpty) return new Status(StatusCode.InvalidArgument, "a key has at least one byte");
        if (key.Length > maxKeyBytes)
            return new Status(StatusCode.TxTooLarge, $"key of {key.Length} bytes, the limit is {maxKeyBytes}");
        return key[0] == 0xFF
            ? new Status(StatusCode.InvalidArgument, $"key {KvKeys.Describe(key)} starts with 0xFF, which is reserved")
            : Status.Ok;
    }

    /// <summary>
    /// Bounds may be empty (the start of everything), up to 0xFF (its end), and one byte longer than a key.
    /// </summary>
    public Status CheckRange(ReadOnlySpan<byte> begin, ReadOnlySpan<byte> end)
    {
        if (begin.Length > maxKeyBytes + 1 || end.Length > maxKeyBytes + 1)
            return new Status(
                StatusCode.TxTooLarge,
                $"a bound of the range is longer than {maxKeyBytes} bytes");
        if (begin.SequenceCompareTo(end) > 0)
            return new Status(
                StatusCode.InvalidArgument,
                $"inverted range: {KvKeys.Describe(begin)} is behind {KvKeys.Describe(end)}");
        return end.SequenceCompareTo(KvKeys.End) > 0
            ? new Status(StatusCode.InvalidArgument, "a range ends at 0xFF at the latest, what follows is reserved")
            : Status.Ok;
    }

    /// <summary>The arguments of a range read; a limit of 0 becomes the page's.</summary>
    public Status CheckPage(ReadOnlySpan<byte> begin, ReadOnlySpan<byte> end, ref int limit)
    {
        var status = CheckRange(begin, end);
        if (!status.IsOk) return status;
        if (limit < 0) return new Status(StatusCode.InvalidArgument, $"a row limit of {limit}");
        limit = limit == 0 ? KvLimits.DefaultPageRows : Math.Min(limit, KvLimits.MaxPageRows);
        return Status.Ok;
    }

    /// <summary>A key that is to get a value of so many bytes.</summary>
    public Status CheckWrite(ReadOnlySpan<byte> key, int valueLength)
    {
        var status = CheckKey(key);
        return !status.IsOk || valueLength <= KvLimits.MaxValueBytes
            ? status
            : new Status(
                StatusCode.TxTooLarge,
                $"value of {KvKeys.Describe(key)} has {valueLength} bytes, the limit is {KvLimits.MaxValueBytes}");
    }

    /// <summary>Whether a versionstamp fits into a key or value of so many bytes.</summary>
    public static Status CheckStamp(int offset, int length, string what) =>
        offset >= 0 && offset <= length - Versionstamp.Size
            ? Status.Ok
            : new Status(
                StatusCode.InvalidArgument,
                $"a versionstamp at {offset} does not fit into a {what} of {length} bytes");
}
