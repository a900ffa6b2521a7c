using ThreeFs.Base;

namespace ThreeFs.Kv.FoundationDb;

/// <summary>Settings of <see cref="FdbKvEngine"/>.</summary>
public sealed record FdbKvOptions
{
    public const string Scheme = "fdb:";

    private const string Expected = "expected fdb:/path/to/fdb.cluster";

    /// <summary>
    /// The file that names the cluster's coordinators. The client rewrites it when they change, so the process needs
    /// the right to write to it and its directory.
    /// </summary>
    public required string ClusterFile { get; init; }

    /// <summary>Whose keys: several ThreeFs clusters share a database, each with its id in front of its keys.</summary>
    public required string ClusterId { get; init; }

    /// <summary>
    /// How long a transaction may take from its first call until its commit has been answered, waits for an unreachable
    /// database included; <c>timeout</c> of the URI. FoundationDB itself ends one 5 s after its first read.
    /// </summary>
    public TimeSpan TransactionTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long the start waits for the database to answer.</summary>
    public TimeSpan OpenTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Path of libfdb_c.so; null: where the system's loader finds it. <c>library</c> of the URI.</summary>
    public string? Library { get; init; }

    /// <summary>Directory for the client's own trace files; null: none. <c>trace</c> of the URI.</summary>
    public string? TraceDirectory { get; init; }

    public IKvObserver Observer { get; init; } = NoKvObserver.Instance;

    /// <summary>
    /// Reads <c>fdb:/etc/foundationdb/fdb.cluster</c>, with options behind it:
    /// <c>?timeout=10s&amp;library=/path/libfdb_c.so&amp;trace=/var/log/threefs</c>.
    /// </summary>
    public static Result<FdbKvOptions> Parse(string uri, string clusterId)
    {
        if (!uri.StartsWith(Scheme, StringComparison.Ordinal)) return Bad(Expected);
        var rest = uri[Scheme.Length..].Split('?', 2);
        if (rest[0].Length == 0) return Bad(Expected);
        var options = new FdbKvOptions { ClusterFile = rest[0], ClusterId = clusterId };
        foreach (var option in rest.Length == 1 ? [] : rest[1].Split('&'))
        {
            switch (option.Split('=', 2))
            {
                case ["timeout", var text] when TryParseSeconds(text, out var timeout):
                    options = options with { TransactionTimeout = timeout };
                    break;
                case ["timeout", var text]:
                    return Bad($"timeout = \"{text}\" is not a time of 1s to 1000s, such as 10s");
                case ["library", var path] when path.Length > 0:
                    options = options with { Library = path };
                    break;
                case ["trace", var path] when path.Length > 0:
                    options = options with { TraceDirectory = path };
                    break;
                default:
                    return Bad(
                        $"\"{option}\" is not an option; there are timeout=10s, library=PATH and trace=DIRECTORY");
            }
        }

        return options;

        Status Bad(string what) => new(StatusCode.InvalidArgument, $"kv = \"{uri}\": {what}");
    }

    private static bool TryParseSeconds(string text, out TimeSpan time)
    {
        var isTime = text.EndsWith('s') & int.TryParse(text.AsSpan()[..^Math.Min(1, text.Length)], out var seconds);
        time = TimeSpan.FromSeconds(seconds);
        return isTime && seconds is >= 1 and <= 1000;
    }
}
