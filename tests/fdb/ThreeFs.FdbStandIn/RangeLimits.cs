using ThreeFs.Kv;

namespace ThreeFs.FdbStandIn;

/// <summary>How much of a range one answer holds; 0: no limit.</summary>
internal readonly record struct RangeLimits(int Rows, int Bytes)
{
    private static readonly int[] _modeBytes = [0, 256, 1000, 4096, 80_000];
    private static readonly int[] _pages = [4096, 6144, 9216, 13_824, 20_736, 31_104, 46_656, 69_984, 80_000, 120_000];

    public static RangeLimits Everything => default;

    /// <summary>
    /// The limits of a streaming mode, as FoundationDB computes them; false with its code when they make no sense.
    /// </summary>
    public static bool TryMake(int rows, int bytes, int mode, int iteration, out RangeLimits limits, out int error)
    {
        (limits, error) = (default, 0);
        if (mode == 0 && rows == 0 && bytes == 0) error = Errors.ExactModeWithoutLimits;
        if (mode is < -2 or > 4 || (mode == -1 && iteration <= 0)) error = Errors.ClientInvalidOperation;
        if (error != 0) return false;
        var ofMode = mode == -1 ? _pages[Math.Min(iteration, _pages.Length) - 1] : _modeBytes[mode == -2 ? 4 : mode];
        limits = new(rows, bytes == 0 ? ofMode : ofMode == 0 ? bytes : Math.Min(bytes, ofMode));
        return true;
    }

    /// <summary>
    /// With a limit of bytes the real library may answer less than fits, as soon as it has a row; so does this one, as
    /// often as the test says. Looks first how many rows fit, then reads these, so that the engine's conflict range is
    /// what was answered.
    /// </summary>
    public Answer<KvPage> Read(IKvTransaction transaction, Selector begin, Selector end, bool snapshot, bool reverse)
    {
        var first = begin.Bound(transaction);
        var last = end.Bound(transaction);
        if (first.Error != 0 || last.Error != 0) return new(Math.Max(first.Error, last.Error), default!);
        if (first.Value.AsSpan().SequenceCompareTo(last.Value) > 0) return new(Errors.InvertedRange, default!);
        if (last.Value.AsSpan().SequenceCompareTo(KvKeys.End) > 0) return new(Errors.KeyOutsideLegalRange, default!);

        List<KvRow> rows = [];
        var (from, to) = (first.Value, last.Value);
        var (bytes, more) = (0, true);
        while (more)
        {
            var seen = transaction.GetRangeAsync(from, to, KvLimits.MaxPageRows, reverse, snapshot: true).Result;
            if (!seen.IsOk) return new(Errors.Of(seen.Code), default!);
            var fits = 0;
            var full = false;
            while (!full && fits < seen.Value.Rows.Count)
            {
                var row = seen.Value.Rows[fits++];
                bytes += row.Key.Length + row.Value.Length;
                full = (Rows > 0 && rows.Count + fits >= Rows) || (Bytes > 0 && (bytes >= Bytes || Faults.CutsPage()));
            }

            var read = transaction.GetRangeAsync(
                from, to, full ? fits : KvLimits.MaxPageRows, reverse, snapshot).Result.Value;
            rows.AddRange(read.Rows);
            more = read.More;
            if (full) break;
            if (!more) break;
            if (reverse) to = read.Continuation;
            else from = read.Continuation;
        }

        return new(0, new KvPage(rows, more, reverse));
    }
}
