using System.Collections.Immutable;
using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Kv;
using ThreeFs.Meta.Records;
using ThreeFs.Meta.Transactions;

namespace ThreeFs.Meta.Ops;

/// <summary>
/// Ends sessions of the calling client by their ids alone: after an open whose answer got lost nobody knows the inode. Looks
/// through all open sessions, a page at a time; rare, and linear in the number of files open for writing. What was written under a
/// session counts: nobody may have reported it, so storage is asked for the file's length before the session ends.
/// </summary>
internal sealed class PruneSessions(TransactionRunner runner, LengthReport lengths)
{
    public const int MaxSessions = 4096;

    public async ValueTask<Status> RunAsync(MetaContext context, ImmutableArray<SessionId> sessions, CancellationToken ct)
    {
        if (sessions.Length > MaxSessions)
            return new Status(StatusCode.InvalidArgument, $"at most {MaxSessions} sessions can be ended at once, not {sessions.Length}");
        var wanted = sessions.ToHashSet();
        var begin = KeyPrefixes.Session.Range.Begin;
        while (wanted.Count != 0 && begin.Length != 0)
        {
            var read = await runner.ReadAsync(context, new Page(begin, wanted), ct);
            if (!read.TryGet(out var page)) return read.Status;
            foreach (var (inode, session, canWrite) in page.Found)
            {
                var ended = await lengths.EndAsync(context, inode, session, canWrite, ct);
                if (!ended.IsOk) return ended;
                wanted.Remove(session);
            }

            begin = page.Next;
        }

        return Status.Ok;
    }

    /// <param name="Next">Where the next page begins; empty at the end.</param>
    private sealed record Sessions(List<(InodeId Inode, SessionId Session, bool CanWrite)> Found, byte[] Next);

    private sealed class Page(byte[] begin, HashSet<SessionId> wanted) : IQuery<Sessions>
    {
        public async ValueTask<Result<Sessions>> RunAsync(MetaTransaction tx)
        {
            var page = await tx.Kv.GetRangeAsync(begin, KeyPrefixes.Session.Range.End, snapshot: true);
            if (!page.TryGet(out var rows)) return page.Status;
            var found = new List<(InodeId, SessionId, bool)>();
            foreach (var row in rows.Rows)
            {
                if (!MetaKeys.TryReadSession(row.Key, out var inode, out var session) || !wanted.Contains(session)) continue;
                var record = SessionRecord.Decode(inode, row.Value);
                if (record.IsOk && record.Value.Client == tx.Client) found.Add((inode, session, record.Value.CanWrite));
            }

            return new Sessions(found, rows.More ? rows.Continuation : []);
        }
    }
}
