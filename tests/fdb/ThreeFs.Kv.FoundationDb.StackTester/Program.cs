using ThreeFs.Kv.FoundationDb;
using ThreeFs.Kv.FoundationDb.Binding;
using ThreeFs.Kv.FoundationDb.Native;
using ThreeFs.Kv.FoundationDb.StackTester;

// As the harness calls it: PREFIX API_VERSION [CLUSTER_FILE]. THREEFS_FDB_LIBRARY names a libfdb_c.so elsewhere.
if (args.Length is < 2 or > 3 || args[1] != $"{Fdb.ApiVersion}")
{
    Console.Error.WriteLine($"usage: PREFIX {Fdb.ApiVersion} [CLUSTER_FILE]; no other API version is spoken");
    return 2;
}

var clusterFile = args.Length == 3 ? args[2] : "fdb.cluster";
var opened = await FdbKvEngine.OpenAsync(
    new FdbKvOptions
    {
        ClusterFile = clusterFile,
        ClusterId = "stack-tester",
        Library = Environment.GetEnvironmentVariable("THREEFS_FDB_LIBRARY"),
    },
    TimeProvider.System);
if (!opened.IsOk)
{
    Console.Error.WriteLine(opened.Status);
    return 1;
}

using var database = FdbDatabase.Open(clusterFile).Value;
var shared = new Shared(database);
await new Machine(shared, Machine.B(args[0])).RunAsync();

// Machines may have started others.
for (var finished = 0; finished < shared.Machines.Count; finished = shared.Machines.Count)
    await Task.WhenAll(shared.Machines);
return 0;
