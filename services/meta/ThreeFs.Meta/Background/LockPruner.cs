using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Contracts.Mgmtd;
using ThreeFs.Kv;
using ThreeFs.Meta.Records;
using ThreeFs.Meta.Transactions;

namespace ThreeFs.Meta.Background;

/// <summary>
/// Gives back the locks of clients that are gone, by the same rule as their sessions (see <see cref="SessionPruner"/>). Any number
/// of servers may scan.
/// </summary>
public sealed class LockPruner
{
    private readonly TransactionRunner _runner;
    private readonly TimeProvider _time;

    internal LockPruner(TransactionRunner runner, TimeProvider time)
    {
        _runner = runner;
        _time = time;
    }

    /// <returns>How many inodes had locks of such clients.</returns>
    public async ValueTask<Result<int>> RunRoundAsync(ClientSessions clients, CancellationToken ct)
    {
        if (clients.Bootstrapping) return 0;
        var alive = clients.Sessions.Select(s => s.Id).ToHashSet();
        var oldEnough = FileTime.From(_time.GetUtcNow() - SessionPruner.Grace);
        var pruned = 0;
        var begin = KeyPrefixes.Lock.Range.Begin;
        while (begin.Length != 0)
        {
            var page = await _runner.ReadAsync(ServiceContext.Instance, new LockPage(begin), ct);
            if (!page.TryGet(out var rows)) return page.Status;
            foreach (var row in rows.Rows)
            {
                if (!MetaKeys.TryReadLocks(row.Key, out var inode, out var kind)) continue;
                var set = LockRecord.Decode(inode, row.Value);
                if (!set.IsOk) return set.Status;
                if (!set.Value.Locks.Any(IsGone)) continue;
                var ended = await EndAsync(inode, kind, IsGone, ct);
                if (!ended.IsOk) return ended;
                pruned++;
            }

            begin = rows.More ? rows.Continuation : [];
        }

        return pruned;

        bool IsGone(FileLock held) => !alive.Contains(held.Client) && held.Since.CompareTo(oldEnough) <= 0;
    }

    private async ValueTask<Status> EndAsync(InodeId inode, LockKind kind, Func<FileLock, bool> isGone, CancellationToken ct)
    {
        var ended = await _runner.MaintainAsync<bool>(ServiceContext.Instance, async tx =>
        {
            var set = await tx.LocksAsync(inode, kind);
            if (!set.IsOk) return set.Status;
            tx.PutLocks(inode, kind, set.Value.Without(isGone));
            return true;
        }, ct);
        return ended.Status;
    }

    private sealed class LockPage(byte[] begin) : IQuery<KvPage>
    {
        public ValueTask<Result<KvPage>> RunAsync(MetaTransaction tx) =>
            tx.Kv.GetRangeAsync(begin, KeyPrefixes.Lock.Range.End, snapshot: true);
    }
}
