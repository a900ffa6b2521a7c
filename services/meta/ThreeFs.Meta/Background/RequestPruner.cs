using ThreeFs.Base;
using ThreeFs.Kv;
using ThreeFs.Meta.Records;
using ThreeFs.Meta.Transactions;

namespace ThreeFs.Meta.Background;

/// <summary>
/// Forgets the outcomes of requests that nobody repeats any more, a bounded piece at a time so that no transaction grows. Any
/// number of servers may do it.
/// </summary>
public sealed class RequestPruner
{
    private const int PageRows = 2_000;

    private readonly TransactionRunner _runner;

    internal RequestPruner(TransactionRunner runner) => _runner = runner;

    /// <returns>Whether more is left to forget.</returns>
    public ValueTask<Result<bool>> RunRoundAsync(CancellationToken ct) =>
        _runner.MaintainAsync<bool>(ServiceContext.Instance, async tx =>
        {
            var range = MetaKeys.RequestsBefore(RequestLog.FirstKept(tx.Now));
            var page = await tx.Kv.GetRangeAsync(range.Begin, range.End, PageRows, snapshot: true);
            if (!page.TryGet(out var rows)) return page.Status;
            if (rows.Rows.Count == 0) return false;
            tx.Writer.ClearRange(range.Begin, KvKeys.After(rows.Rows[^1].Key));
            return rows.More;
        }, ct);
}
