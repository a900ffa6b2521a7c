using ThreeFs.Base;

namespace ThreeFs.Cli.Bench.Ladder;

/// <summary>The loads of the ladder: sizes × reads and writes × random and sequential × depths.</summary>
internal static class LadderLoads
{
    public static readonly int[] Sizes = [4 << 10, 128 << 10, 1 << 20, 4 << 20];

    public static readonly int[] Depths = [1, 8, 32, 128];

    /// <summary>More in flight only waits in more memory: such loads are left out.</summary>
    public const long MaxInFlight = 128 << 20;

    public static IReadOnlyList<Workload> All { get; } =
    [
        .. from isWrite in new[] { false, true }
           from isSequential in new[] { false, true }
           from size in Sizes
           from depth in Depths
           where (long)size * depth <= MaxInFlight
           select Of(isWrite, isSequential, size, depth),
    ];

    /// <summary>As in "random read".</summary>
    public static string KindOf(Workload load) =>
        $"{(load.IsSequential ? "sequential" : "random")} {(load.IsWrite ? "write" : "read")}";

    /// <summary>As in "4KiB ×32".</summary>
    public static string ShapeOf(Workload load) => $"{SizeText(load.Size)} ×{load.Depth}";

    public static Workload Of(bool isWrite, bool isSequential, int size, int depth)
    {
        var load = new Workload("", size, depth, isWrite, IsSequential: isSequential);
        return load with { Name = $"{KindOf(load)} {ShapeOf(load)}" };
    }

    private static string SizeText(int bytes) =>
        bytes >= ByteSize.MiB ? $"{bytes / ByteSize.MiB}MiB" : $"{bytes / ByteSize.KiB}KiB";
}
