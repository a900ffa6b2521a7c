using ThreeFs.Base;

namespace ThreeFs.Kv.Lmdb;

/// <summary>
/// Settings of <see cref="LmdbKvEngine"/>. Every process that uses one environment should use the same.
/// </summary>
public sealed record LmdbOptions
{
    private const string Scheme = "lmdb:";
    private const string MapSizeKey = "?map_size=";

    /// <summary>Directory of the environment; created when missing.</summary>
    public required string Path { get; init; }

    /// <summary>
    /// The largest size of the data file, <c>map_size</c> of the URI. Only address space until it is used; the file grows
    /// as needed.
    /// </summary>
    public long MapSize { get; init; } = 64L << 30;

    /// <summary>Reader slots shared by all processes; the process that opens first decides.</summary>
    public int MaxReaders { get; init; } = 2048;

    /// <summary>Transactions of this process that may hold a snapshot at once; more get TxThrottled.</summary>
    public int MaxSnapshots { get; init; } = 256;

    /// <summary>Commits that may wait for the committer; more get TxThrottled.</summary>
    public int MaxQueuedCommits { get; init; } = 8192;

    /// <summary>Relaxed commits are on stable storage about this long after their acknowledgement.</summary>
    public TimeSpan FlushInterval { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>
    /// How long commits are remembered for conflict detection; at least <see cref="KvLimits.MaxAge"/>.
    /// </summary>
    public TimeSpan ConflictWindow { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Told what an operator wants to know: recovery after a power failure, a failed flush. Called from any thread.
    /// </summary>
    public Action<string>? Notice { get; init; }

    /// <summary>Told of every commit; reads never wait, and are not.</summary>
    public IKvObserver Observer { get; init; } = NoKvObserver.Instance;

    /// <summary>Stands for the boot of the machine in tests of power failures; null: the kernel's.</summary>
    internal Guid? BootId { get; init; }

    /// <summary>Replaces the flush of the data file in tests; returns 0 or an errno.</summary>
    internal Func<int>? SyncOverride { get; init; }

    /// <summary>
    /// Reads <c>lmdb:/path/to/environment</c>, or <c>lmdb:/path/to/environment?map_size=256GiB</c>.
    /// </summary>
    public static Result<LmdbOptions> Parse(string uri)
    {
        if (!uri.StartsWith(Scheme, StringComparison.Ordinal))
            return Bad($"kv = \"{uri}\": expected lmdb:/path/to/directory");
        var rest = uri[Scheme.Length..];
        var option = rest.LastIndexOf(MapSizeKey, StringComparison.Ordinal);
        var path = option < 0 ? rest : rest[..option];
        if (path.Length == 0) return Bad($"kv = \"{uri}\": expected lmdb:/path/to/directory");
        if (option < 0) return new LmdbOptions { Path = path };
        var text = rest[(option + MapSizeKey.Length)..];
        return ByteSize.TryParse(text, out var size)
            ? new LmdbOptions { Path = path, MapSize = size.Bytes }
            : Bad($"kv = \"{uri}\": map_size = \"{text}\" is not a size such as 256GiB");

        static Status Bad(string what) => new(StatusCode.InvalidArgument, what);
    }

    public Status Validate()
    {
        if (string.IsNullOrWhiteSpace(Path)) return Bad("Path is empty");
        if (MapSize < 1 << 20) return Bad($"MapSize = {MapSize}, at least 1 MiB");
        if (MaxReaders is < 16 or > 65536) return Bad($"MaxReaders = {MaxReaders}, 16 to 65536");
        if (MaxSnapshots < 1 || MaxSnapshots > MaxReaders - 8)
            return Bad($"MaxSnapshots = {MaxSnapshots}, 1 to MaxReaders - 8");
        if (MaxQueuedCommits < 1) return Bad($"MaxQueuedCommits = {MaxQueuedCommits}, at least 1");
        if (FlushInterval <= TimeSpan.Zero) return Bad($"FlushInterval = {FlushInterval}, must be positive");
        return ConflictWindow < KvLimits.MaxAge
            ? Bad($"ConflictWindow = {ConflictWindow}, at least {KvLimits.MaxAge}")
            : Status.Ok;

        static Status Bad(string what) => new(StatusCode.InvalidArgument, $"LMDB options: {what}");
    }
}
