using System.Reflection;
using System.Runtime.InteropServices;
using ThreeFs.Base;

namespace ThreeFs.Kv.Lmdb.Native;

/// <summary>
/// Finds the distribution's liblmdb; without it every call would end in a DllNotFoundException that tells nobody what
/// to do.
/// </summary>
internal static class MdbLibrary
{
    private static readonly Lazy<Status> _loaded = new(Load);

    /// <summary>
    /// Ok once the library can be called. Must be asked before the first call into <see cref="Mdb"/>.
    /// </summary>
    public static Status Check() => _loaded.Value;

    private static Status Load()
    {
        if (!NativeLibrary.TryLoad("liblmdb.so.0", out var handle) && !NativeLibrary.TryLoad("liblmdb.so", out handle))
            return new Status(StatusCode.Unavailable, "liblmdb.so.0 is not installed: apt-get install liblmdb0");
        NativeLibrary.SetDllImportResolver(
            typeof(Mdb).Assembly,
            (name, _, _) => name == Mdb.Library ? handle : 0);
        return Status.Ok;
    }
}
