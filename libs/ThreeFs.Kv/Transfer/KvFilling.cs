using ThreeFs.Base;

namespace ThreeFs.Kv.Transfer;

/// <summary>
/// Fills an empty store from somewhere, and proves it: what the store holds in the end has the digest of what was to be
/// filled in. A filling that fails leaves the store as empty as it was.
/// </summary>
public static class KvFilling
{
    /// <summary>Told what has been written so far.</summary>
    public delegate void Progress(KvDigest soFar);

    /// <param name="to">Must be empty.</param>
    /// <param name="fill">Writes all rows and answers their digest.</param>
    public static async ValueTask<Result<KvDigest>> RunAsync(
        KvWholeStore to, Func<ValueTask<Result<KvDigest>>> fill, CancellationToken ct)
    {
        var empty = await to.IsEmptyAsync(ct);
        if (!empty.IsOk) return empty.Status;
        if (!empty.Value)
            return new Status(StatusCode.InvalidArgument, "the target holds keys already; only an empty one is filled");

        var filled = await fill();
        var status = filled.IsOk ? await VerifyAsync(to, filled.Value, ct) : filled.Status;
        if (status.IsOk) return filled;
        var cleared = await to.ClearAsync();
        return new Status(
            status.Code,
            cleared.IsOk
                ? $"{status.Message}; the target is empty as before"
                : $"{status.Message}; the target could not be emptied again: {cleared.Message}");
    }

    private static async ValueTask<Status> VerifyAsync(KvWholeStore to, KvDigest expected, CancellationToken ct)
    {
        var flushed = await to.FlushAsync(ct);
        if (!flushed.IsOk) return flushed;
        var found = await to.DigestAsync(ct);
        if (!found.IsOk) return found.Status;
        return found.Value == expected
            ? Status.Ok
            : new Status(
                StatusCode.Corruption,
                $"the target holds something else than was written: {found.Value} instead of {expected}");
    }
}
