using ThreeFs.Kv.FoundationDb;
using ThreeFs.Base;

namespace ThreeFs.Kv.FoundationDb.Tests;

/// <summary>
/// What must be seen in a process of its own, because a process has one library: opens a store and says how that went.
/// </summary>
internal static class Program
{
    public static async Task Main(string[] arguments)
    {
        if (arguments is not ["open", var library, var clusterFile]) return;
        var options = new FdbKvOptions
        {
            ClusterFile = clusterFile,
            ClusterId = "test",
            Library = library.Length == 0 ? null : library,
        };
        var opened = await FdbKvEngine.OpenAsync(options, TimeProvider.System);
        Console.WriteLine(opened.Status);
        if (opened.TryGet(out var engine)) await engine.DisposeAsync();
    }
}
