using System.Runtime.InteropServices;
using System.Text;
using ThreeFs.Base;
using ThreeFs.Kv.FoundationDb;

namespace ThreeFs.FdbStandIn;

/// <summary>
/// The stand-in's own side: what is to go wrong in the library, and what it noticed. Process-wide, as the library is,
/// so tests that use it are in one collection.
/// </summary>
internal static unsafe class StandIn
{
    public const string Collection = "stand-in";

    private static readonly Lazy<nint> _library = new(() => NativeLibrary.Load(LibraryPath));

    public static string LibraryPath => Path.Combine(AppContext.BaseDirectory, "standin", "libfdb_c.so");

    public static long Futures => Count(0);
    public static long Transactions => Count(1);
    public static long Databases => Count(2);
    public static long Violations => Count(3);
    public static string FirstViolation => Text(0);

    /// <summary>Options set since the last call, as "database 500 10000".</summary>
    public static string[] OptionsSeen() => Text(1).Split('\n', StringSplitOptions.RemoveEmptyEntries);

    public static void SetDelays(ulong seed, int maxMicros, int readyPercent) =>
        ((delegate* unmanaged[Cdecl]<ulong, int, int, void>)Export("standin_set_delays"))(
            seed, maxMicros, readyPercent);

    public static void SetReachable(bool reachable) => Call("standin_set_reachable", reachable ? 1 : 0);

    public static void SetLocked(bool locked) => Call("standin_set_locked", locked ? 1 : 0);

    /// <summary>
    /// How often, at each row, an answer with a limit of bytes ends early, as the real library's
    /// may.
    /// </summary>
    public static void SetCuts(int percent) => Call("standin_set_cuts", percent);

    public static void FailRead(int error) => Call("standin_fail_read", error);

    public static void FailCommit(int error, bool applied) =>
        ((delegate* unmanaged[Cdecl]<int, int, void>)Export("standin_fail_commit"))(error, applied ? 1 : 0);

    public static void SetRates(int conflictPercent = 0, int maybePercent = 0, int tooOldPercent = 0) =>
        ((delegate* unmanaged[Cdecl]<int, int, int, void>)Export("standin_set_rates"))(
            conflictPercent, maybePercent, tooOldPercent);

    public static void Advance(TimeSpan time) =>
        ((delegate* unmanaged[Cdecl]<long, void>)Export("standin_advance"))((long)time.TotalMilliseconds);

    /// <summary>Nothing is held any more, and no rule of the library was broken.</summary>
    public static void AssertNothingHeld()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        Assert.Equal((0, 0, 0), (Futures, Transactions, Databases));
        Assert.True(Violations == 0, FirstViolation);
    }

    private static long Count(int what) => ((delegate* unmanaged[Cdecl]<int, long>)Export("standin_count"))(what);

    private static string Text(int what)
    {
        var buffer = new byte[1 << 20];
        fixed (byte* pointer = buffer)
        {
            var length = ((delegate* unmanaged[Cdecl]<int, byte*, int, int>)Export("standin_text"))(
                what, pointer, buffer.Length);
            return Encoding.UTF8.GetString(buffer, 0, length);
        }
    }

    private static void Call(string name, int argument) =>
        ((delegate* unmanaged[Cdecl]<int, void>)Export(name))(argument);

    private static nint Export(string name) => NativeLibrary.GetExport(_library.Value, name);
}

/// <summary>A cluster of the stand-in, empty and well: a cluster file of its own.</summary>
internal sealed class StandInCluster : IDisposable
{
    private readonly ThreeFs.Kv.Tests.TempDirectory _directory = new();

    public StandInCluster()
    {
        ClusterFile = Path.Combine(_directory.Path, "fdb.cluster");
        File.WriteAllText(ClusterFile, "test:standin@127.0.0.1:4500\n");
        StandIn.SetReachable(true);
        StandIn.SetLocked(false);
        StandIn.SetRates();
        StandIn.SetCuts(0);
        StandIn.SetDelays(seed: 1, maxMicros: 0, readyPercent: 0);
    }

    public string ClusterFile { get; }

    public FdbKvOptions Options => new()
    {
        ClusterFile = ClusterFile,
        ClusterId = "test",
        Library = StandIn.LibraryPath,
    };

    public async Task<FdbKvEngine> OpenAsync(FdbKvOptions? options = null)
    {
        var opened = await FdbKvEngine.OpenAsync(options ?? Options, TimeProvider.System);
        opened.Status.ThrowIfFailed();
        return opened.Value;
    }

    public void Dispose() => _directory.Dispose();
}
