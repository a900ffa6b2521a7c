using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Kv;
using ThreeFs.Meta.Records;

namespace ThreeFs.Meta.Transactions;

/// <summary>
/// Remembers the outcome of every mutation under its request's identity, in the transaction that made it: a repeated request, at
/// whichever server, finds the outcome and changes nothing.
/// </summary>
/// <remarks>
/// Records live in buckets of time, so that old ones are dropped by range. A request may be repeated across the border of
/// buckets, also at a server whose clock differs: every attempt reads the record in its own bucket, in the earlier ones that the
/// retention reaches into and, near its end, in the next, as part of its conflict set, and writes into its own. Any two attempts
/// of one request thus either see each other or conflict, as long as clocks differ by less than <see cref="Skew"/> and repeats
/// come within <see cref="Retention"/>.
/// </remarks>
internal static class RequestLog
{
    public static readonly TimeSpan Bucket = TimeSpan.FromMinutes(4);

    /// <summary>How long an outcome is remembered at least; longer than any client repeats a request.</summary>
    public static readonly TimeSpan Retention = RequestLifetime.MaxRepeating + RequestLifetime.MaxDelay;

    /// <summary>Clock differences between servers that do no harm, beyond the seconds that one transaction may last.</summary>
    public static readonly TimeSpan Skew = TimeSpan.FromSeconds(30);

    public static uint BucketOf(FileTime time) => (uint)(time.Nanoseconds / 100 / Bucket.Ticks);

    /// <summary>Everything before this bucket may be dropped: nobody looks there any more.</summary>
    public static uint FirstKept(FileTime now) => BucketOf(now) - EarlierBuckets;

    /// <summary>Buckets before the present one that may hold what has to be remembered.</summary>
    private static uint EarlierBuckets => (uint)Math.Ceiling((Retention + Skew) / Bucket);

    public static async ValueTask<Result<Outcome?>> FindAsync(
        IKvReadTransaction kv, MetaContext context, byte step, FileTime now)
    {
        var bucket = BucketOf(now);
        var into = TimeSpan.FromTicks(now.Nanoseconds / 100 % Bucket.Ticks);
        var found = await FindInAsync(kv, bucket, context, step);
        for (var back = 1u; found is { IsOk: true, Value: null } && into + Bucket * (back - 1) < Retention + Skew; back++)
            found = await FindInAsync(kv, bucket - back, context, step);
        if (found is { IsOk: true, Value: null } && Bucket - into < Skew) found = await FindInAsync(kv, bucket + 1, context, step);
        return found;
    }

    public static void Put(IKvTransaction kv, MetaContext context, byte step, FileTime now, Outcome outcome) =>
        kv.Set(MetaKeys.Request(BucketOf(now), context.Client, context.Request, step), outcome.Encode());

    private static async ValueTask<Result<Outcome?>> FindInAsync(
        IKvReadTransaction kv, uint bucket, MetaContext context, byte step)
    {
        var value = await kv.GetAsync(MetaKeys.Request(bucket, context.Client, context.Request, step));
        if (!value.TryGet(out var bytes)) return value.Status;
        if (!bytes.Exists) return (Outcome?)null;
        var outcome = Outcome.Decode(bytes.Span);
        return outcome.TryGet(out var record) ? record : outcome.Status;
    }
}
