using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace ThreeFs.FdbStandIn;

/// <summary>What tests ask of the stand-in itself: exports of its own, named standin_….</summary>
internal static unsafe class Control
{
    private static readonly List<string> _seen = [];

    /// <summary>Options that were set, for tests of their codes and values.</summary>
    public static void Seen(string what)
    {
        lock (_seen)
        {
            if (_seen.Count == 10_000) _seen.Clear();
            _seen.Add(what);
        }
    }

    /// <summary>Answers come in any order, up to so many microseconds late; a part is there at once.</summary>
    [UnmanagedCallersOnly(EntryPoint = "standin_set_delays", CallConvs = [typeof(CallConvCdecl)])]
    private static void SetDelays(ulong seed, int maxMicros, int readyPercent) =>
        Network.SetDelays(seed, maxMicros, readyPercent);

    [UnmanagedCallersOnly(EntryPoint = "standin_set_reachable", CallConvs = [typeof(CallConvCdecl)])]
    private static void SetReachable(int reachable) => Network.SetReachable(reachable != 0);

    [UnmanagedCallersOnly(EntryPoint = "standin_set_locked", CallConvs = [typeof(CallConvCdecl)])]
    private static void SetLocked(int locked) => Faults.IsLocked = locked != 0;

    [UnmanagedCallersOnly(EntryPoint = "standin_set_cuts", CallConvs = [typeof(CallConvCdecl)])]
    private static void SetCuts(int percent) => Faults.CutPercent = percent;

    [UnmanagedCallersOnly(EntryPoint = "standin_fail_read", CallConvs = [typeof(CallConvCdecl)])]
    private static void FailRead(int error) => Faults.NextRead(error);

    [UnmanagedCallersOnly(EntryPoint = "standin_fail_commit", CallConvs = [typeof(CallConvCdecl)])]
    private static void FailCommit(int error, int applied) => Faults.NextCommit(error, applied != 0);

    [UnmanagedCallersOnly(EntryPoint = "standin_set_rates", CallConvs = [typeof(CallConvCdecl)])]
    private static void SetRates(int conflictPercent, int maybePercent, int tooOldPercent) =>
        Faults.SetRates(conflictPercent, maybePercent, tooOldPercent);

    [UnmanagedCallersOnly(EntryPoint = "standin_advance", CallConvs = [typeof(CallConvCdecl)])]
    private static void Advance(long milliseconds) => StandInTime.Instance.Advance(milliseconds);

    [UnmanagedCallersOnly(EntryPoint = "standin_forget", CallConvs = [typeof(CallConvCdecl)])]
    private static void Forget() => Database.Forget();

    /// <summary>0 futures, 1 transactions, 2 databases that are not destroyed; 3 broken rules.</summary>
    [UnmanagedCallersOnly(EntryPoint = "standin_count", CallConvs = [typeof(CallConvCdecl)])]
    private static long Count(int what) => what switch
    {
        0 => Handles.Count<Future>(),
        1 => Handles.Count<Transaction>(),
        2 => Handles.Count<Database>(),
        _ => Handles.Violations,
    };

    /// <summary>
    /// Copies a text and answers its length: 0 the first broken rule, 1 the options seen since the last time.
    /// </summary>
    [UnmanagedCallersOnly(EntryPoint = "standin_text", CallConvs = [typeof(CallConvCdecl)])]
    private static int Text(int what, byte* buffer, int capacity)
    {
        string text;
        if (what == 0) text = Handles.FirstViolation ?? "";
        else
            lock (_seen)
            {
                text = string.Join('\n', _seen);
                _seen.Clear();
            }

        var bytes = Encoding.UTF8.GetBytes(text);
        var length = Math.Min(bytes.Length, capacity);
        bytes.AsSpan(0, length).CopyTo(new Span<byte>(buffer, capacity));
        return length;
    }
}
