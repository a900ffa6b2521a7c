using System.Collections.Immutable;
using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Kv;
using ThreeFs.Meta.Records;
using ThreeFs.Meta.Transactions;

namespace ThreeFs.Meta.Ops;

/// <summary>
/// Ends sessions of the calling client by their ids alone: after an open whose answer got lost nobody knows the inode. Looks
/// through all open sessions, a page at a time; rare, and linear in the number of files open for writing.
/// </summary>
internal sealed class PruneSessions(TransactionRunner runner)
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
            var from = begin;
            var next = await runner.MaintainAsync<byte[]>(context, tx => EndOnPageAsync(tx, from, wanted), ct);
            if (!next.TryGet(out begin!)) return next.Status;
        }

        return Status.Ok;
    }

    /// <returns>Where the next page begins; empty at the end.</returns>
    private static async ValueTask<Result<byte[]>> EndOnPageAsync(MetaTransaction tx, byte[] begin, HashSet<SessionId> wanted)
    {
        var page = await tx.Kv.GetRangeAsync(begin, KeyPrefixes.Session.Range.End, snapshot: true);
        if (!page.TryGet(out var rows)) return page.Status;
        foreach (var row in rows.Rows)
        {
            if (!MetaKeys.TryReadSession(row.Key, out var inode, out var session) || !wanted.Contains(session)) continue;
            var record = SessionRecord.Decode(inode, row.Value);
            if (record.IsOk && record.Value.Client == tx.Client) tx.RemoveSession(inode, session);
        }

        return rows.More ? rows.Continuation : [];
    }
}
