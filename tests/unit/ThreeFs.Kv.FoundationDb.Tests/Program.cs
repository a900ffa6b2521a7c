namespace ThreeFs.Kv.FoundationDb.Tests;

/// <summary>
/// What must be seen in a process of its own, because a process has one library, or takes too long for a
/// test.
/// </summary>
internal static class Program
{
    public static async Task<int> Main(string[] arguments)
    {
        switch (arguments)
        {
            case ["open", var library, var clusterFile]:
                var opened = await FdbKvEngine.OpenAsync(Options(library, clusterFile), TimeProvider.System);
                Console.WriteLine(opened.Status);
                if (opened.TryGet(out var engine)) await engine.DisposeAsync();
                return 0;
            case ["soak", var transactions]:
                return await Soak.RunAsync(int.Parse(transactions), null);
            case ["soak", var transactions, var library, var clusterFile]:
                return await Soak.RunAsync(int.Parse(transactions), Options(library, clusterFile));
            default:
                return 2;
        }
    }

    private static FdbKvOptions Options(string library, string clusterFile) => new()
    {
        ClusterFile = clusterFile,
        ClusterId = "test",
        Library = library.Length == 0 ? null : library,
    };
}
