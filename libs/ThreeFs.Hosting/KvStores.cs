using Microsoft.Extensions.Logging;
using ThreeFs.Base;
using ThreeFs.Kv;
using ThreeFs.Kv.Lmdb;

namespace ThreeFs.Hosting;

/// <summary>Opens the key-value store that a configuration names by its URI.</summary>
public static partial class KvStores
{
    /// <param name="uri">
    /// "lmdb:/path/to/directory": embedded, shared by the processes of one host; with "?map_size=256GiB" it may grow to that size
    /// instead of 64 GiB.
    /// </param>
    public static Result<IKvEngine> Open(string uri, HostServices host)
    {
        if (!uri.StartsWith("lmdb:", StringComparison.Ordinal))
            return new Status(StatusCode.InvalidArgument, $"kv = \"{uri}\" is not a store of a known kind; use \"lmdb:/path/to/directory\"");

        var parsed = LmdbOptions.Parse(uri);
        if (!parsed.TryGet(out var options)) return parsed.Status;
        var log = host.Logs.CreateLogger("ThreeFs.Kv");
        var opened = LmdbKvEngine.Open(options with { Notice = message => Notice(log, options.Path, message) }, host.Time);
        return opened.TryGet(out var engine) ? engine : new Status(opened.Code, $"kv = \"{uri}\": {opened.Status.Message}");
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Path}: {Notice}")]
    private static partial void Notice(ILogger log, string path, string notice);
}
