using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Transport;

namespace ThreeFs.Cli.Dev;

/// <summary>
/// What a local cluster consists of. Decided by the first <c>up</c> of a directory and kept there as cluster.toml.
/// </summary>
internal sealed class ClusterPlan
{
    public const int MaxProcesses = 64;

    public string ClusterId { get; set; } = "threefs-dev";

    /// <summary>Cluster manager processes.</summary>
    public int Mgmtd { get; set; } = 2;

    /// <summary>Metadata server processes.</summary>
    public int Meta { get; set; } = 2;

    /// <summary>Storage server processes.</summary>
    public int Storage { get; set; } = 3;

    /// <summary>Targets of each storage server.</summary>
    public int Targets { get; set; } = 2;

    /// <summary>Targets in a chain.</summary>
    public int Replicas { get; set; } = 3;

    /// <summary>Chunk size of new files.</summary>
    public ByteSize ChunkSize { get; set; } = new(ByteSize.MiB);

    /// <summary>How processes reach each other.</summary>
    public TransportChoice Transport { get; set; } = TransportChoice.Auto;

    /// <summary>The store of metadata, such as "fdb:/etc/foundationdb/fdb.cluster"; empty: embedded.</summary>
    public string Kv { get; set; } = "";

    public string Mount { get; set; } = "";

    /// <summary>
    /// An <c>up</c> has given the cluster its chains: from then on its store and its data directories hold what users
    /// wrote, and one that is missing is a loss to be told, not a place to be made.
    /// </summary>
    public bool Made { get; set; }

    public int Chains => Storage * Targets / Replicas;

    public Status Validate()
    {
        var counts = new[] { ("--mgmtd", Mgmtd), ("--meta", Meta), ("--storage", Storage), ("--targets", Targets) };
        foreach (var (option, count) in counts)
        {
            if (count is < 1 or > MaxProcesses) return Wrong($"{option} {count}: must be from 1 to {MaxProcesses}");
        }

        if (Replicas < 1) return Wrong($"--replicas {Replicas}: must be at least 1");
        if (Replicas > Storage)
        {
            return Wrong(
                $"--replicas {Replicas} needs as many storage servers, and --storage is {Storage}: "
                + "two replicas on one server would fail together");
        }

        if (Storage * Targets % Replicas != 0)
        {
            return Wrong(
                $"--storage {Storage} times --targets {Targets} is {Storage * Targets} targets, "
                + $"which chains of --replicas {Replicas} cannot use up");
        }

        var chunk = ChunkSize.Bytes;
        return chunk is < Layout.MinChunkSize or > Layout.MaxChunkSize || (chunk & (chunk - 1)) != 0
            ? Wrong($"--chunk-size {ChunkSize}: must be a power of two from 64KiB to 64MiB")
            : Status.Ok;
    }

    private static Status Wrong(string message) => new(StatusCode.InvalidArgument, message);
}
