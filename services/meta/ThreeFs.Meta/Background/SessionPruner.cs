using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Contracts.Mgmtd;
using ThreeFs.Kv;
using ThreeFs.Meta.Ops;
using ThreeFs.Meta.Records;
using ThreeFs.Meta.Transactions;

namespace ThreeFs.Meta.Background;

/// <summary>
/// Ends sessions of clients that are gone: not in the cluster manager's list, while that list is complete, and older than a grace
/// time (a client opens files before its first report arrives). What a dead writer wrote counts: before its session ends
/// the file's length is asked of storage. Any number of servers may scan; ending a session twice does nothing.
/// </summary>
public sealed class SessionPruner
{
    /// <summary>A session younger than this is left alone.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromMinutes(1);

    private readonly TransactionRunner _runner;
    private readonly LengthReport _lengths;
    private readonly TimeProvider _time;
    private readonly IMetaObserver? _observer;

    internal SessionPruner(TransactionRunner runner, LengthReport lengths, TimeProvider time, IMetaObserver? observer)
    {
        _runner = runner;
        _lengths = lengths;
        _time = time;
        _observer = observer;
    }

    /// <returns>How many sessions were ended.</returns>
    public async ValueTask<Result<int>> RunRoundAsync(ClientSessions clients, CancellationToken ct)
    {
        if (clients.Bootstrapping) return 0;
        var alive = clients.Sessions.Select(s => s.Id).ToHashSet();
        var oldEnough = FileTime.From(_time.GetUtcNow() - Grace);
        int kept = 0, pruned = 0;
        var begin = KeyPrefixes.Session.Range.Begin;
        while (begin.Length != 0)
        {
            var page = await _runner.ReadAsync(ServiceContext.Instance, new SessionPage(begin), ct);
            if (!page.TryGet(out var rows)) return page.Status;
            foreach (var row in rows.Rows)
            {
                if (!MetaKeys.TryReadSession(row.Key, out var inode, out var session)) continue;
                var record = SessionRecord.Decode(inode, row.Value);
                if (!record.IsOk) return record.Status;
                if (alive.Contains(record.Value.Client) || record.Value.Since.CompareTo(oldEnough) > 0)
                {
                    kept++;
                    continue;
                }

                if ((await _lengths.EndAsync(ServiceContext.Instance, inode, session, record.Value.CanWrite, ct)).IsOk) pruned++;
            }

            begin = rows.More ? rows.Continuation : [];
        }

        _observer?.SessionsScanned(kept, pruned);
        return pruned;
    }

    private sealed class SessionPage(byte[] begin) : IQuery<KvPage>
    {
        public ValueTask<Result<KvPage>> RunAsync(MetaTransaction tx) =>
            tx.Kv.GetRangeAsync(begin, KeyPrefixes.Session.Range.End, snapshot: true);
    }
}
