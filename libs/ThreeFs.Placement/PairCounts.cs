namespace ThreeFs.Placement;

/// <summary>
/// How many chains any two of v nodes have in common. When a node fails, this is how its load is spread: a survivor
/// carries the share
/// of chains that it has in common with the dead one.
/// </summary>
internal sealed class PairCounts(int nodes)
{
    private readonly int[] _counts = new int[nodes * nodes];

    public int Nodes => nodes;

    public int this[int a, int b] => _counts[a * nodes + b];

    /// <summary>Σ over pairs of the square: smallest when all are equal, or as equal as their sum allows.</summary>
    public long Cost
    {
        get
        {
            long cost = 0;
            for (var a = 0; a < nodes; a++)
            for (var b = a + 1; b < nodes; b++)
                cost += (long)this[a, b] * this[a, b];
            return cost;
        }
    }

    /// <summary>The cost below which no arrangement with this sum of counts can be.</summary>
    public long LowerBound
    {
        get
        {
            long sum = 0, pairs = (long)nodes * (nodes - 1) / 2;
            for (var a = 0; a < nodes; a++)
            for (var b = a + 1; b < nodes; b++)
                sum += this[a, b];
            if (pairs == 0) return 0;
            var (each, more) = Math.DivRem(sum, pairs);
            return each * each * (pairs - more) + (each + 1) * (each + 1) * more;
        }
    }

    public void Add(int a, int b, int change)
    {
        _counts[a * nodes + b] += change;
        _counts[b * nodes + a] += change;
    }

    public void AddChain(ReadOnlySpan<int> chain)
    {
        for (var i = 0; i < chain.Length; i++)
        for (var j = i + 1; j < chain.Length; j++)
            Add(chain[i], chain[j], 1);
    }

    public PairCounts Copy()
    {
        var copy = new PairCounts(nodes);
        _counts.CopyTo(copy._counts, 0);
        return copy;
    }
}
