using System.Runtime.InteropServices;
using ThreeFs.Base;

namespace ThreeFs.Kv.FoundationDb.Native;

/// <summary>
/// Finds libfdb_c when the process first asks for it, checks that it is new enough, and selects the API version.
/// Process-wide because the library is: there is one, selected once.
/// </summary>
internal static unsafe class FdbLibrary
{
    public const string StandardName = "libfdb_c.so";

    private static readonly Lock _lock = new();
    private static string? _loaded;
    private static Status _status;

    /// <summary>
    /// Ok once the library can be called; must be asked before the first call into <see cref="Fdb"/>. The first caller
    /// decides which library it is.
    /// </summary>
    /// <param name="path">Path of the library, or null for the one that the system's loader finds.</param>
    public static Status Load(string? path)
    {
        var name = path ?? StandardName;
        lock (_lock)
        {
            if (_loaded is not null && (_loaded == name || path is null)) return _status;
            if (_loaded is not null)
                return new Status(
                    StatusCode.InvalidArgument,
                    $"{name} cannot be loaded: this process uses {_loaded} already, "
                    + "and a process has one FoundationDB client library");
            var handle = Open(name, out var status);
            if (!status.IsOk) return status;
            NativeLibrary.SetDllImportResolver(
                typeof(Fdb).Assembly,
                (library, _, _) => library == Fdb.Library ? handle : 0);
            _loaded = name;
            _status = SelectVersion(name);
            return _status;
        }
    }

    /// <summary>"7.3.79", as the library says it of itself.</summary>
    public static string ClientVersion => (Text(Fdb.GetClientVersion()) ?? "").Split(',')[0];

    public static string? Text(byte* text) => Marshal.PtrToStringUTF8((nint)text);

    private static nint Open(string name, out Status status)
    {
        status = Status.Ok;
        try
        {
            return NativeLibrary.Load(name);
        }
        catch (DllNotFoundException e) when (IsMissing(name, e))
        {
            status = new Status(
                StatusCode.Unavailable,
                $"{name} is not installed: install the package foundationdb-clients 7.3 of FoundationDB's releases");
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            status = Broken(name, e);
        }

        return 0;
    }

    /// <summary>Else it is there, and something is wrong with it or with what it needs.</summary>
    private static bool IsMissing(string name, DllNotFoundException e) =>
        name.Contains('/') ? !File.Exists(name) : e.Message.Contains($"{name}: cannot open shared object file");

    private static Status Broken(string name, Exception e) =>
        new(StatusCode.Unavailable, $"{name} cannot be loaded: {e.Message.Split('\n')[0].Trim()}");

    private static Status SelectVersion(string name)
    {
        try
        {
            var max = Fdb.GetMaxApiVersion();
            if (max < Fdb.ApiVersion)
                return new Status(
                    StatusCode.Unavailable,
                    $"{name} is of FoundationDB {ClientVersion} (API version {max}), "
                    + $"7.3 or newer (API version {Fdb.ApiVersion}) is needed: install foundationdb-clients 7.3");
            var error = Fdb.SelectApiVersion(Fdb.ApiVersion, Fdb.ApiVersion);
            return error is FdbError.Success
                ? Status.Ok
                : new Status(
                    StatusCode.Unavailable,
                    $"{name}: API version {Fdb.ApiVersion} cannot be selected: {FdbErrors.Describe(error)}");
        }
        catch (EntryPointNotFoundException e)
        {
            return new Status(
                StatusCode.Unavailable,
                $"{name} is not a FoundationDB client library of version 7.3: {e.Message}");
        }
    }
}
