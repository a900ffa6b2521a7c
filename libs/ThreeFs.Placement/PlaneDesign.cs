namespace ThreeFs.Placement;

/// <summary>
/// The exact designs that a search does not find when they are large: the lines of the affine plane of a prime order q
/// (q² nodes,
/// chains of q) and of the projective plane (q²+q+1 nodes, chains of q+1). Two nodes meet in one chain at most.
/// </summary>
internal static class PlaneDesign
{
    /// <summary>Chains in which each node has <paramref name="targets"/>, or null when no plane fits.</summary>
    public static int[][]? Find(int nodes, int targets, int size)
    {
        if (IsPrime(size) && nodes == size * size && targets <= size + 1)
            return [.. Classes(size).Take(targets).SelectMany(c => c)];
        var q = size - 1;
        return IsPrime(q) && nodes == q * q + q + 1 && targets == size ? Projective(q) : null;
    }

    /// <summary>The q+1 classes of parallel lines; a class has every node once.</summary>
    private static IEnumerable<int[][]> Classes(int q)
    {
        var all = Enumerable.Range(0, q).ToArray();
        foreach (var slope in all)
            yield return [.. all.Select(c => all.Select(x => Point(x, (slope * x + c) % q)).ToArray())];
        yield return [.. all.Select(x => all.Select(y => Point(x, y)).ToArray())];

        int Point(int x, int y) => x * q + y;
    }

    /// <summary>Parallel lines meet in a point of their own, and those points make one more line.</summary>
    private static int[][] Projective(int q)
    {
        var lines = Classes(q).SelectMany((parallel, c) => parallel.Select(line => (int[])[.. line, q * q + c]));
        return [.. lines, [.. Enumerable.Range(q * q, q + 1)]];
    }

    private static bool IsPrime(int n) =>
        n > 1 && Enumerable.Range(2, n).TakeWhile(d => d * d <= n).All(d => n % d != 0);
}
