namespace ThreeFs.Sim;

/// <summary>Makes a failing run smaller: leaves out every fault without which it still fails.</summary>
internal static class Minimizer
{
    /// <summary>The smaller run, and the numbers of the faults that are left.</summary>
    public static (SimResult Result, int[] Faults) Run(SimOptions options, SimResult failed)
    {
        var skipped = new HashSet<int>();
        for (var size = Math.Max(1, failed.Faults.Count / 2); ; size /= 2)
        {
            for (var first = 0; first < failed.Faults.Count; first += size)
            {
                var tried = new HashSet<int>(skipped);
                tried.UnionWith(Enumerable.Range(first, Math.Min(size, failed.Faults.Count - first)));
                if (tried.Count == skipped.Count) continue;
                var result = SimRun.Run(options with { Skip = tried });
                if (result.Failure is null) continue;
                (failed, skipped) = (result, tried);
            }

            if (size == 1) break;
        }

        return (failed, [.. Enumerable.Range(0, failed.Faults.Count).Where(i => !skipped.Contains(i))]);
    }
}
