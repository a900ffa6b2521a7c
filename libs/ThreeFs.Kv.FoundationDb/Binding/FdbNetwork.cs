using System.Text;
using ThreeFs.Base;
using ThreeFs.Kv.FoundationDb.Native;

namespace ThreeFs.Kv.FoundationDb.Binding;

/// <summary>
/// The thread on which the library does all of its network work, one a process: started by the first database, stopped
/// when the process ends, never started again (the library forbids it). It calls back into this process for every
/// future that completes, so nothing but bookkeeping may run on it: see <see cref="FdbFuture{T, TReader}"/>.
/// </summary>
internal static unsafe class FdbNetwork
{
    private static readonly TimeSpan _stopPatience = TimeSpan.FromSeconds(5);
    private static readonly Lock _lock = new();
    private static Thread? _thread;
    private static Status _status;

    /// <summary>
    /// Ok once futures complete. The options of the first caller count; they are the network's, thus the process's.
    /// </summary>
    public static Status Start(IReadOnlyList<(FdbNetworkOption Option, string? Value)> options)
    {
        lock (_lock)
        {
            if (_thread is not null || !_status.IsOk) return _status;
            foreach (var (option, value) in options)
            {
                var set = SetOption(option, value);
                if (set is not FdbError.Success) return _status = Failed($"network option {option} = \"{value}\"", set);
            }

            var error = Fdb.SetupNetwork();
            if (error is not FdbError.Success) return _status = Failed("the network cannot be set up", error);
            _thread = new Thread(Run) { IsBackground = true, Name = "fdb-network" };
            _thread.Start();

            // A network that still runs while the process takes itself apart calls into what is no longer there.
            AppDomain.CurrentDomain.ProcessExit += (_, _) => Stop();
            return Status.Ok;
        }
    }

    private static void Run()
    {
        var error = Fdb.RunNetwork();
        if (error is FdbError.Success) return;
        lock (_lock) _status = Failed("the network's thread ended", error);
    }

    private static void Stop()
    {
        if (Fdb.StopNetwork() is FdbError.Success) _thread!.Join(_stopPatience);
    }

    private static FdbError SetOption(FdbNetworkOption option, string? value)
    {
        var bytes = value is null ? [] : Encoding.UTF8.GetBytes(value);
        fixed (byte* pointer = bytes) return Fdb.NetworkSetOption(option, pointer, bytes.Length);
    }

    private static Status Failed(string what, FdbError error) =>
        new(StatusCode.Unavailable, $"FoundationDB client: {what}: {FdbErrors.Describe(error)}");
}
