using Microsoft.Extensions.Logging;
using ThreeFs.Base;
using ThreeFs.Kv;
using ThreeFs.Kv.FoundationDb;
using ThreeFs.Kv.Lmdb;

namespace ThreeFs.Hosting;

/// <summary>
/// The key-value stores that a configuration names by URI:
/// <list type="bullet">
/// <item>"lmdb:/path/to/directory": embedded, shared by the processes of one host; with "?map_size=256GiB" it may grow
/// to that size instead of 64 GiB.</item>
/// <item>"fdb:/path/to/fdb.cluster": FoundationDB, shared by any number of hosts and of ThreeFs clusters; options in
/// <see cref="FdbKvOptions.Parse"/>.</item>
/// </list>
/// </summary>
public static partial class KvStores
{
    private const string Lmdb = "lmdb:";
    private const string Known = "use \"lmdb:/path/to/directory\" or \"fdb:/path/to/fdb.cluster\"";

    /// <summary>Opens a store. FoundationDB is waited for some seconds; every failure names the URI.</summary>
    /// <param name="uri">As above.</param>
    /// <param name="clusterId">Whose keys, where clusters share a store.</param>
    /// <param name="host">Of the process.</param>
    public static async ValueTask<Result<IKvEngine>> OpenAsync(
        string uri, string clusterId, HostServices host, CancellationToken ct)
    {
        if (uri.StartsWith(Lmdb, StringComparison.Ordinal)) return OpenLmdb(uri, host);
        return IsFoundationDb(uri) ? await OpenFoundationDbAsync(uri, clusterId, host, ct) : Unknown(uri);
    }

    /// <summary>On FoundationDB, whose keys do not go with a directory.</summary>
    public static bool IsFoundationDb(string uri) => uri.StartsWith(FdbKvOptions.Scheme, StringComparison.Ordinal);

    /// <summary>
    /// The file without which there is no such store, if it is missing; null: it is there, or nobody can
    /// tell.
    /// </summary>
    public static string? FindMissing(string uri)
    {
        if (!LmdbOptions.Parse(uri).TryGet(out var lmdb)) return null;
        var file = Path.Combine(lmdb.Path, "data.mdb");
        return File.Exists(file) ? null : file;
    }

    /// <summary>The same store named from anywhere: paths made absolute. Fails where a store's options do.</summary>
    public static Result<string> MakeAbsolute(string uri)
    {
        var scheme = IsFoundationDb(uri) ? FdbKvOptions.Scheme : Lmdb;
        var status = IsFoundationDb(uri) ? FdbKvOptions.Parse(uri, "any").Status
            : uri.StartsWith(Lmdb, StringComparison.Ordinal) ? LmdbOptions.Parse(uri).Status
            : Unknown(uri);
        if (!status.IsOk) return status;
        var parts = uri[scheme.Length..].Split('?', 2);
        return scheme + Path.GetFullPath(parts[0]) + (parts.Length == 2 ? $"?{parts[1]}" : "");
    }

    private static Result<IKvEngine> OpenLmdb(string uri, HostServices host)
    {
        var parsed = LmdbOptions.Parse(uri);
        if (!parsed.TryGet(out var options)) return parsed.Status;
        var log = host.Logs.CreateLogger("ThreeFs.Kv");
        var opened = LmdbKvEngine.Open(
            options with { Notice = message => Notice(log, options.Path, message), Observer = Metrics.Instance },
            host.Time);
        return opened.TryGet(out var engine) ? engine : Failed(uri, opened.Status);
    }

    private static async ValueTask<Result<IKvEngine>> OpenFoundationDbAsync(
        string uri, string clusterId, HostServices host, CancellationToken ct)
    {
        var parsed = FdbKvOptions.Parse(uri, clusterId);
        if (!parsed.TryGet(out var options)) return parsed.Status;
        var opened = await FdbKvEngine.OpenAsync(options with { Observer = Metrics.Instance }, host.Time, ct);
        if (!opened.TryGet(out var engine)) return Failed(uri, opened.Status);
        Opened(host.Logs.CreateLogger("ThreeFs.Kv"), options.ClusterFile, clusterId, FdbKvEngine.ClientVersion);
        return engine;
    }

    private static Status Failed(string uri, Status status) => new(status.Code, $"kv = \"{uri}\": {status.Message}");

    private static Status Unknown(string uri) =>
        new(StatusCode.InvalidArgument, $"kv = \"{uri}\" is not a store of a known kind; {Known}");

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Path}: {Notice}")]
    private static partial void Notice(ILogger log, string path, string notice);

    [LoggerMessage(
        Level = LogLevel.Information,
        Message = "FoundationDB cluster of {ClusterFile} answers; keys of {ClusterId}, client {Version}")]
    private static partial void Opened(ILogger log, string clusterFile, string clusterId, string version);
}
