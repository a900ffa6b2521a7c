using Microsoft.Extensions.Logging;
using ThreeFs.Base;
using ThreeFs.Hosting;
using ThreeFs.Kv;
using ThreeFs.Kv.Lmdb;

namespace ThreeFs.Mgmtd.Server;

/// <summary>Opens the store that a configuration names.</summary>
internal static class KvOpener
{
    public static Result<IKvEngine> Open(string name, HostServices host)
    {
        var parsed = LmdbOptions.Parse(name);
        if (!parsed.TryGet(out var options)) return parsed.Status;
        var log = host.Logs.CreateLogger("ThreeFs.Kv");
        var opened = LmdbKvEngine.Open(options with { Notice = text => Log.StoreNotice(log, text) }, host.Time);
        return opened.TryGet(out var engine) ? engine : opened.Status;
    }
}
