namespace ThreeFs.Cluster.Tests.Harness;

/// <summary>A test on a FoundationDB server that is already there; reported as skipped where none is named.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class FoundationDbFactAttribute : FactAttribute
{
    private const string Missing = "THREEFS_FDB_CLUSTER_FILE does not name the cluster file of a FoundationDB server";

    public FoundationDbFactAttribute() => Skip = FoundationDb.ClusterFile is null ? Missing : null;
}

/// <summary>A test that starts and kills a FoundationDB server of its own; skipped where its programs are not named.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class FoundationDbServerFactAttribute : FactAttribute
{
    private const string Missing = "THREEFS_FDB_BIN does not name a directory with fdbserver and fdbcli";

    public FoundationDbServerFactAttribute() => Skip = FoundationDb.Programs is null ? Missing : null;
}

/// <summary>The FoundationDB that the environment names.</summary>
internal static class FoundationDb
{
    private static readonly string? _library = Environment.GetEnvironmentVariable("THREEFS_FDB_LIBRARY");

    public static string? ClusterFile { get; } = Environment.GetEnvironmentVariable("THREEFS_FDB_CLUSTER_FILE");

    public static string? Programs { get; } = Environment.GetEnvironmentVariable("THREEFS_FDB_BIN");

    /// <summary>Options of `threefs up` for a cluster on it.</summary>
    public static string Up(string clusterFile) =>
        $"--kv 'fdb:{clusterFile}{(_library is null ? "" : $"?library={_library}")}'";
}
