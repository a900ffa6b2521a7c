using System.Runtime.InteropServices;

namespace ThreeFs.Kv.Buffering;

/// <summary>
/// A set of keys as sorted, disjoint ranges: conflict sets and cleared ranges. Overlapping and touching ranges are
/// merged as they are added. Not thread-safe.
/// </summary>
internal sealed class RangeSet
{
    private readonly List<Interval> _intervals = [];

    public int Count => _intervals.Count;

    /// <summary>Bytes of all bounds as they were added, for the transaction's size limit.</summary>
    public int AddedBytes { get; private set; }

    public ReadOnlySpan<Interval> Intervals => CollectionsMarshal.AsSpan(_intervals);

    public void Clear()
    {
        _intervals.Clear();
        AddedBytes = 0;
    }

    public void AddKey(ReadOnlySpan<byte> key)
    {
        AddedBytes += 2 * key.Length + 1;
        if (!Contains(key)) Insert(Interval.Of(key));
    }

    /// <summary>Adds [begin, end); an empty range adds nothing.</summary>
    public void Add(ReadOnlySpan<byte> begin, ReadOnlySpan<byte> end)
    {
        AddedBytes += begin.Length + end.Length;
        if (begin.SequenceCompareTo(end) < 0) Insert(new Interval(begin.ToArray(), begin.Length, end.ToArray()));
    }

    public bool Contains(ReadOnlySpan<byte> key)
    {
        var index = FirstEndingAfter(key);
        return index < _intervals.Count && _intervals[index].Begin.SequenceCompareTo(key) <= 0;
    }

    public bool Intersects(ReadOnlySpan<byte> begin, ReadOnlySpan<byte> end)
    {
        if (begin.SequenceCompareTo(end) >= 0) return false;
        var index = FirstEndingAfter(begin);
        return index < _intervals.Count && _intervals[index].Begin.SequenceCompareTo(end) < 0;
    }

    public IReadOnlyList<KvKeyRange> ToList()
    {
        var list = new List<KvKeyRange>(_intervals.Count);
        foreach (var interval in _intervals) list.Add(new KvKeyRange(interval.Begin.ToArray(), interval.End));
        return list;
    }

    private void Insert(Interval added)
    {
        // Everything from first up to last touches the new range and is replaced by their union.
        var first = _intervals.Count;
        if (first > 0 && added.Begin.SequenceCompareTo(_intervals[^1].End) <= 0)
            first = FirstEndingAtOrAfter(added.Begin);
        var last = first;
        while (last < _intervals.Count && _intervals[last].Begin.SequenceCompareTo(added.End) <= 0) last++;
        if (last > first)
        {
            if (_intervals[first].Begin.SequenceCompareTo(added.Begin) < 0)
                added = _intervals[first] with { End = added.End };
            if (_intervals[last - 1].End.AsSpan().SequenceCompareTo(added.End) > 0)
                added = added with { End = _intervals[last - 1].End };
            _intervals[first] = added;
            _intervals.RemoveRange(first + 1, last - first - 1);
            return;
        }

        _intervals.Insert(first, added);
    }

    private int FirstEndingAfter(ReadOnlySpan<byte> key)
    {
        int low = 0, high = _intervals.Count;
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            if (key.SequenceCompareTo(_intervals[middle].End) < 0) high = middle;
            else low = middle + 1;
        }

        return low;
    }

    private int FirstEndingAtOrAfter(ReadOnlySpan<byte> key)
    {
        int low = 0, high = _intervals.Count;
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            if (key.SequenceCompareTo(_intervals[middle].End) <= 0) high = middle;
            else low = middle + 1;
        }

        return low;
    }

    /// <summary>[Begin, End); a single key keeps both bounds in one array.</summary>
    internal readonly record struct Interval(byte[] BeginBytes, int BeginLength, byte[] End)
    {
        public ReadOnlySpan<byte> Begin => BeginBytes.AsSpan(0, BeginLength);

        /// <summary>Whether the range is exactly one key.</summary>
        public bool IsKey =>
            End.Length == BeginLength + 1 && End[^1] == 0 && Begin.SequenceEqual(End.AsSpan(0, BeginLength));

        public static Interval Of(ReadOnlySpan<byte> key)
        {
            var end = KvKeys.After(key);
            return new Interval(end, key.Length, end);
        }
    }
}
