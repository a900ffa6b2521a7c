using ThreeFs.Base;

namespace ThreeFs.Kv.Transfer;

/// <summary>
/// Copies a store that nobody uses into an empty one of any kind. The source is read twice: what it holds after the
/// copy must be what was copied, or somebody has written to it meanwhile.
/// </summary>
public static class KvCopy
{
    public static ValueTask<Result<KvDigest>> RunAsync(
        KvWholeStore from, KvWholeStore to, KvFilling.Progress progress, CancellationToken ct) =>
        KvFilling.RunAsync(to, () => FillAsync(from, to, progress, ct), ct);

    private static async ValueTask<Result<KvDigest>> FillAsync(
        KvWholeStore from, KvWholeStore to, KvFilling.Progress progress, CancellationToken ct)
    {
        var copied = await from.ScanAsync(
            async (rows, soFar) =>
            {
                var status = await to.WriteAsync(rows, ct);
                if (status.IsOk) progress(soFar);
                return status;
            },
            ct);
        if (!copied.IsOk) return copied;
        if (copied.Value.Rows == 0) return new Status(StatusCode.InvalidArgument, "the source holds nothing");
        var again = await from.DigestAsync(ct);
        if (!again.IsOk || again.Value == copied.Value) return again;
        return new Status(
            StatusCode.Busy,
            "the source was written to while it was copied: stop every mgmtd and meta that uses it, and copy again");
    }
}
