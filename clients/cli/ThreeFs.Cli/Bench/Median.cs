namespace ThreeFs.Cli.Bench;

internal static class Median
{
    /// <summary>The value in the middle, the upper of two.</summary>
    /// <param name="values">At least one.</param>
    public static double Of(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted[sorted.Length / 2];
    }
}
