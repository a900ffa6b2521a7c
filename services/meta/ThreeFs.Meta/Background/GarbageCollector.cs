using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Kv;
using ThreeFs.Meta.Ops;
using ThreeFs.Meta.Records;
using ThreeFs.Meta.Transactions;

namespace ThreeFs.Meta.Background;

/// <summary>What one round did.</summary>
/// <param name="Removed">Inodes gone.</param>
/// <param name="Failed">Inodes left for later because storage or store failed.</param>
/// <param name="More">Something that is due was left over: run again soon.</param>
public readonly record struct GarbageRound(int Removed, int Failed, bool More);

/// <summary>
/// Removes what lost its last name: a file's chunks and record once its time has come and nobody has it open, a detached
/// directory page by page. Work lies in a queue ordered by time. A server <b>claims</b> an entry by moving it into the future in a
/// transaction: the others pass it over, and if the server dies the entry comes up again. Every step may be repeated.
/// </summary>
/// <remarks>
/// A file is claimed only when it has no session, and from then on it refuses new ones: nobody can open what is being removed. Its
/// chunks go before its record, so that chunks without a record cannot remain.
/// </remarks>
public sealed class GarbageCollector
{
    internal static readonly TimeSpan ClaimTime = TimeSpan.FromMinutes(2);
    private const int BatchSize = 32;
    private const int TreePage = 64;

    private readonly TransactionRunner _runner;
    private readonly IFileChunks _chunks;
    private readonly MetaServiceOptions _options;
    private readonly IMetaObserver? _observer;

    internal GarbageCollector(TransactionRunner runner, IFileChunks chunks, MetaServiceOptions options, IMetaObserver? observer)
    {
        _runner = runner;
        _chunks = chunks;
        _options = options;
        _observer = observer;
    }

    /// <summary>Works off one batch of what is due.</summary>
    public async ValueTask<Result<GarbageRound>> RunRoundAsync(CancellationToken ct)
    {
        var claimed = await _runner.MaintainAsync(ServiceContext.Instance, ClaimAsync, ct);
        if (!claimed.TryGet(out var batch)) return claimed.Status;
        int removed = 0, failed = 0;
        var work = batch.Items.Select(item => CollectAsync(item, ct).AsTask()).ToArray();
        foreach (var status in await Task.WhenAll(work))
        {
            if (status.IsOk) removed++;
            else failed++;
        }

        _observer?.GarbageCollected(removed, failed, batch.Seen);
        return new GarbageRound(removed, failed, batch.Seen >= BatchSize);
    }

    private async ValueTask<Result<Batch>> ClaimAsync(MetaTransaction tx)
    {
        var range = MetaKeys.GarbageDue(new FileTime(tx.Now.Nanoseconds + 1));
        var page = await tx.Kv.GetRangeAsync(range.Begin, range.End, BatchSize, snapshot: true);
        if (!page.TryGet(out var rows)) return page.Status;
        var items = new List<Claim>();
        foreach (var row in rows.Rows)
        {
            var claim = await ClaimAsync(tx, row);
            if (!claim.IsOk) return claim.Status;
            if (claim.Value is { } item) items.Add(item);
        }

        return new Batch(items, rows.Rows.Count);
    }

    private async ValueTask<Result<Claim?>> ClaimAsync(MetaTransaction tx, KvRow row)
    {
        if (!MetaKeys.TryReadGarbage(row.Key, out var due, out var id))
            return new Status(StatusCode.Corruption, $"the garbage queue has an unreadable key {KvKeys.Describe(row.Key)}");
        var garbage = GarbageRecord.Decode(id, row.Value);
        if (!garbage.IsOk) return garbage.Status;

        // Reading the entry itself makes two servers that claim it conflict.
        var still = await tx.Kv.GetAsync(row.Key);
        if (!still.IsOk) return still.Status;
        if (!still.Value.Exists) return (Claim?)null;
        var inode = await tx.InodeAsync(id);
        if (!inode.IsOk && inode.Code != StatusCode.NotFound) return inode.Status;
        tx.Writer.Clear(row.Key);
        if (!inode.TryGet(out var record)) return (Claim?)null;
        var claimedUntil = Later(tx.Now, ClaimTime);
        if (garbage.Value.Kind == GarbageKind.File)
        {
            if (record.LinkCount != 0) return (Claim?)null;
            var open = await tx.HasSessionsAsync(id);
            if (!open.IsOk) return open.Status;
            if (open.Value)
            {
                tx.PutGarbage(Later(tx.Now, _options.GarbageDelay > TimeSpan.Zero ? _options.GarbageDelay : ClaimTime), id, GarbageKind.File);
                return (Claim?)null;
            }

            tx.PutInode(record with { Flags = record.Flags | InodeRecord.Collecting });
        }

        tx.PutGarbage(claimedUntil, id, garbage.Value.Kind);
        return new Claim(claimedUntil, record, garbage.Value.Kind);
    }

    private ValueTask<Status> CollectAsync(Claim claim, CancellationToken ct) =>
        claim.Kind == GarbageKind.Tree ? CollectTreeAsync(claim, ct) : CollectFileAsync(claim, ct);

    private async ValueTask<Status> CollectFileAsync(Claim claim, CancellationToken ct)
    {
        if (claim.Inode.Layout is { } layout)
        {
            var status = await _chunks.RemoveAsync(claim.Inode.Id, layout, ct);
            if (!status.IsOk) return status;
        }

        var removed = await _runner.MaintainAsync<bool>(ServiceContext.Instance, async tx =>
        {
            // Read, so that a repeat does not count the inode off twice.
            var inode = await tx.InodeAsync(claim.Inode.Id);
            if (!inode.IsOk && inode.Code != StatusCode.NotFound) return inode.Status;
            tx.Writer.Clear(MetaKeys.Garbage(claim.Until, claim.Inode.Id));
            if (!inode.TryGet(out var record)) return true;
            tx.DeleteInode(record);
            tx.RemoveSessions(record.Id);
            return true;
        }, ct);
        return removed.Status;
    }

    private async ValueTask<Status> CollectTreeAsync(Claim claim, CancellationToken ct)
    {
        while (true)
        {
            var empty = await _runner.MaintainAsync(ServiceContext.Instance, tx => RemovePageAsync(tx, claim), ct);
            if (!empty.TryGet(out var done)) return empty.Status;
            if (done) return Status.Ok;
        }
    }

    /// <summary>Removes some entries, or the directory itself once it has none; answers whether it is gone.</summary>
    private static async ValueTask<Result<bool>> RemovePageAsync(MetaTransaction tx, Claim claim)
    {
        var directory = claim.Inode.Id;
        var inode = await tx.InodeAsync(directory);
        if (!inode.IsOk && inode.Code != StatusCode.NotFound) return inode.Status;
        if (!inode.TryGet(out var record))
        {
            tx.Writer.Clear(MetaKeys.Garbage(claim.Until, directory));
            return true;
        }

        var range = MetaKeys.Dentries(directory);
        var page = await tx.Kv.GetRangeAsync(range.Begin, range.End, TreePage);
        if (!page.TryGet(out var rows)) return page.Status;
        foreach (var row in rows.Rows)
        {
            var status = await RemoveEntryAsync(tx, directory, row);
            if (!status.IsOk) return status;
        }

        if (rows.Rows.Count != 0) return false;
        tx.DeleteInode(record);
        tx.Writer.Clear(MetaKeys.Garbage(claim.Until, directory));
        return true;
    }

    private static async ValueTask<Status> RemoveEntryAsync(MetaTransaction tx, InodeId directory, KvRow row)
    {
        var dentry = DentryRecord.Decode(directory, row.Value);
        if (!dentry.IsOk) return dentry.Status;
        var inode = await tx.InodeAsync(dentry.Value.Inode);
        if (!inode.IsOk && inode.Code != StatusCode.NotFound) return inode.Status;
        tx.Writer.Clear(row.Key);
        if (!inode.TryGet(out var record)) return Status.Ok;
        if (record.Type == InodeType.Directory)
        {
            tx.PutInode(record with { Flags = record.Flags | InodeRecord.Detached });
            tx.PutGarbage(tx.Now, record.Id, GarbageKind.Tree);
        }
        else
        {
            NameRemoval.DropName(tx, record, collectAt: tx.Now);
        }

        return Status.Ok;
    }

    private static FileTime Later(FileTime time, TimeSpan by) => new(time.Nanoseconds + by.Ticks * 100);

    private readonly record struct Claim(FileTime Until, InodeAttr Inode, GarbageKind Kind);

    private sealed record Batch(List<Claim> Items, int Seen);
}
