using ThreeFs.Base;
using ThreeFs.Hosting;
using ThreeFs.Kv;

namespace ThreeFs.Mgmtd.Server;

/// <summary>Opens the store that a configuration names.</summary>
internal static class KvOpener
{
    public static Result<IKvEngine> Open(string name, HostServices host) =>
        new Status(StatusCode.InvalidArgument, $"kv = \"{name}\": this build opens no store of that kind");
}
