using ThreeFs.Base;

namespace ThreeFs.Kv.Buffering;

internal static class ReadErrors
{
    public static Status Over => new(StatusCode.Cancelled, "the transaction was cancelled, committed or disposed");

    public static Status TooOld => new(
        StatusCode.TxTooOld,
        $"the transaction is older than {KvLimits.MaxAge.TotalSeconds} s or its snapshot is no longer kept");

    public static Status NotReadableYet(ReadOnlySpan<byte> key) =>
        new(
            StatusCode.InvalidArgument,
            $"{KvKeys.Describe(key)} depends on the versionstamp of this commit and cannot be read before it");
}
