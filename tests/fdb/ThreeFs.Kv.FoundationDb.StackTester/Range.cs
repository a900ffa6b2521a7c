using ThreeFs.Kv.FoundationDb.Binding;

namespace ThreeFs.Kv.FoundationDb.StackTester;

/// <summary>A whole range, page by page.</summary>
internal static class Range
{
    public static async Task<List<KvRow>> ReadAsync(
        FdbTransaction transaction, Selector begin, Selector end, RangeRequest request)
    {
        var rows = new List<KvRow>();
        for (var iteration = 1; ; iteration++)
        {
            var left = request with
            {
                Iteration = iteration,
                Limit = request.Limit == 0 ? 0 : request.Limit - rows.Count,
            };
            var page = await transaction.GetRangeAsync(
                new(begin.Key, begin.OrEqual, begin.Offset), new(end.Key, end.OrEqual, end.Offset), left).ValueAsync();
            rows.AddRange(page.Rows);
            if (!page.More || page.Rows.Length == 0 || (request.Limit > 0 && rows.Count >= request.Limit)) return rows;
            if (request.Reverse) end = new(rows[^1].Key, false, 1);
            else begin = new(rows[^1].Key, true, 1);
        }
    }
}
