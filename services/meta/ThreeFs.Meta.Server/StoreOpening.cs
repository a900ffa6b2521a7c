using Microsoft.Extensions.Logging;
using ThreeFs.Base;
using ThreeFs.Hosting;
using ThreeFs.Kv.Lmdb;

namespace ThreeFs.Meta.Server;

/// <summary>Opens the store that a configuration names.</summary>
internal static class StoreOpening
{
    public static Result<LmdbKvEngine> Open(string name, HostServices host)
    {
        var options = LmdbOptions.Parse(name);
        if (!options.IsOk) return options.Status;
        var log = host.Logs.CreateLogger(nameof(LmdbKvEngine));
        return LmdbKvEngine.Open(options.Value with { Notice = text => log.StoreNotice(text) }, host.Time);
    }
}
