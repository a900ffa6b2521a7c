using System.CommandLine;
using Microsoft.Extensions.Logging;
using ThreeFs.Base;
using ThreeFs.Hosting;
using ThreeFs.Kv;
using ThreeFs.Kv.Transfer;

namespace ThreeFs.Cli.Stores;

/// <summary>A store that a command works on while nothing of its cluster runs.</summary>
internal sealed class OfflineStore : IAsyncDisposable
{
    private readonly IKvEngine _engine;
    private readonly HostServices _host;

    private OfflineStore(string uri, IKvEngine engine, HostServices host)
    {
        Uri = uri;
        _engine = engine;
        _host = host;
        Whole = new KvWholeStore(engine, host.Time, host.NewRandom());
    }

    /// <summary>With an absolute path.</summary>
    public string Uri { get; }

    public KvWholeStore Whole { get; }

    public static Option<string> NewClusterOption() => new("--cluster")
    {
        Description = "Cluster id, whose keys these are where clusters share a store.",
        DefaultValueFactory = _ => "threefs",
    };

    /// <summary>Opens a store; an embedded one is made where there is none.</summary>
    public static async Task<Result<OfflineStore>> OpenAsync(string uri, string clusterId, CancellationToken ct)
    {
        var absolute = KvStores.MakeAbsolute(uri);
        if (!absolute.IsOk) return absolute.Status;
        var host = HostServices.ForProcess("store", LogLevel.Warning);
        var opened = await KvStores.OpenAsync(absolute.Value, clusterId, host, ct);
        return opened.TryGet(out var engine) ? new OfflineStore(absolute.Value, engine, host) : opened.Status;
    }

    public static async Task<Result<OfflineStore>> OpenExistingAsync(string uri, string clusterId, CancellationToken ct)
    {
        var missing = KvStores.FindMissing(uri);
        return missing is null
            ? await OpenAsync(uri, clusterId, ct)
            : new Status(StatusCode.InvalidArgument, $"there is no store {uri}: {missing} is missing");
    }

    public async ValueTask DisposeAsync()
    {
        await _engine.DisposeAsync();
        _host.Logs.Dispose();
    }
}
