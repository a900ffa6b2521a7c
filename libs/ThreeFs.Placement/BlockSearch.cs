using ThreeFs.Base;

namespace ThreeFs.Placement;

/// <summary>
/// Evens out how often any two nodes meet by exchanging nodes between chains, which keeps every chain's length and
/// every node's number of
/// targets. Threshold accepting (Dueck and Scheuer, 1990): a small worsening is allowed at first and none in the end;
/// integers only, and
/// a fixed number of steps, so the result depends on nothing but the arguments.
/// </summary>
internal static class BlockSearch
{
    private static readonly int[] _thresholds = [8, 4, 2, 0, 4, 2, 0, 2, 0, 0];

    /// <summary>
    /// Chains that use up the targets: always the nodes with most targets left, which keeps the rest placeable; among
    /// those with equally
    /// many the one that has met the chain's other nodes least.
    /// </summary>
    /// <param name="targets">By node; the sum is a multiple of <paramref name="size"/>, none is more than the number of
    /// chains.</param>
    /// <param name="met">Updated.</param>
    public static int[][] Fill(int[] targets, int size, PairCounts met, SeededRandom random)
    {
        var left = targets.ToArray();
        var chains = new int[targets.Sum() / size][];
        for (var c = 0; c < chains.Length; c++)
        {
            var chain = new List<int>(size);
            // Who has as many targets as chains are left must be in each of them.
            while (chain.Count < size)
            {
                var most = Enumerable.Range(0, left.Length).Where(n => !chain.Contains(n)).Max(n => left[n]);
                var equals = Enumerable.Range(0, left.Length)
                    .Where(n => left[n] == most && !chain.Contains(n)).ToArray();
                var least = equals.Min(n => chain.Sum(m => met[n, m]));
                var choice = equals.Where(n => chain.Sum(m => met[n, m]) == least).ToArray();
                chain.Add(choice[random.Next(choice.Length)]);
            }

            chains[c] = [.. chain];
            foreach (var node in chain) left[node]--;
            met.AddChain(chains[c]);
        }

        return chains;
    }

    /// <param name="met">Of these chains, and of others that stay as they are.</param>
    /// <param name="steps">Exchanges tried.</param>
    public static void Improve(int[][] chains, PairCounts met, SeededRandom random, int steps)
    {
        if (chains.Length < 2) return;
        var (cost, bound) = (met.Cost, met.LowerBound);
        var (best, bestCost) = (Snapshot(chains), cost);
        foreach (var threshold in _thresholds)
        {
            for (var step = 0; step < steps / _thresholds.Length && bestCost > bound; step++)
            {
                var (a, b) = (chains[random.Next(chains.Length)], chains[random.Next(chains.Length)]);
                var (i, j) = (random.Next(a.Length), random.Next(b.Length));
                if (ReferenceEquals(a, b) || Array.IndexOf(b, a[i]) >= 0 || Array.IndexOf(a, b[j]) >= 0) continue;
                var change = ChangeOf(a, i, b, j, met);
                if (change > threshold) continue;
                Exchange(a, i, b, j, met);
                cost += change;
                if (cost >= bestCost) continue;
                (best, bestCost) = (Snapshot(chains), cost);
            }

            if (cost > bestCost) Restore(chains, best, met);
            cost = bestCost;
        }
    }

    /// <summary>
    /// What exchanging a's i-th node with b's j-th does to the cost. A node in both chains meets the same nodes as
    /// before.
    /// </summary>
    private static long ChangeOf(int[] a, int i, int[] b, int j, PairCounts met)
    {
        var (x, y) = (a[i], b[j]);
        long change = 0;
        foreach (var z in a)
        {
            if (z != x && Array.IndexOf(b, z) < 0) change += 2 * (met[y, z] - met[x, z] + 1);
        }

        foreach (var z in b)
        {
            if (z != y && Array.IndexOf(a, z) < 0) change += 2 * (met[x, z] - met[y, z] + 1);
        }

        return change;
    }

    private static void Exchange(int[] a, int i, int[] b, int j, PairCounts met)
    {
        var (x, y) = (a[i], b[j]);
        Move(a, x, y, met);
        Move(b, y, x, met);
        (a[i], b[j]) = (y, x);
    }

    private static void Move(int[] chain, int leaves, int comes, PairCounts met)
    {
        foreach (var z in chain)
        {
            if (z == leaves) continue;
            met.Add(leaves, z, -1);
            met.Add(comes, z, 1);
        }
    }

    private static int[][] Snapshot(int[][] chains) => [.. chains.Select(c => c.ToArray())];

    private static void Restore(int[][] chains, int[][] best, PairCounts met)
    {
        for (var c = 0; c < chains.Length; c++)
        {
            for (var i = 0; i < chains[c].Length; i++)
            for (var j = i + 1; j < chains[c].Length; j++)
                met.Add(chains[c][i], chains[c][j], -1);
            best[c].CopyTo(chains[c], 0);
            met.AddChain(chains[c]);
        }
    }
}
