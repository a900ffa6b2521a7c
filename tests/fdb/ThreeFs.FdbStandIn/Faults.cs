using System.Collections.Concurrent;

namespace ThreeFs.FdbStandIn;

/// <summary>What goes wrong, as the test says: scripted failures first, then random ones at a rate.</summary>
internal static class Faults
{
    private static readonly ConcurrentQueue<int> _reads = new();
    private static readonly ConcurrentQueue<(int Error, bool Applied)> _commits = new();
    private static int _conflictPercent;
    private static int _maybePercent;
    private static int _tooOldPercent;

    /// <summary>Database operations answer database_locked unless the transaction is aware of locks.</summary>
    public static bool IsLocked { get; set; }

    /// <summary>How often, at each row, an answer with a limit of bytes ends early.</summary>
    public static int CutPercent { get; set; }

    public static bool CutsPage() => Network.Hit(CutPercent);

    public static void NextRead(int error) => _reads.Enqueue(error);

    public static void NextCommit(int error, bool applied) => _commits.Enqueue((error, applied));

    public static void SetRates(int conflictPercent, int maybePercent, int tooOldPercent) =>
        (_conflictPercent, _maybePercent, _tooOldPercent) = (conflictPercent, maybePercent, tooOldPercent);

    public static int OfRead() =>
        _reads.TryDequeue(out var error) ? error : Network.Hit(_tooOldPercent) ? Errors.TransactionTooOld : 0;

    public static (int Error, bool Applied) OfCommit()
    {
        if (_commits.TryDequeue(out var next)) return next;
        if (Network.Hit(_conflictPercent)) return (Errors.NotCommitted, false);
        return Network.Hit(_maybePercent) ? (Errors.CommitUnknownResult, Network.Flip()) : (0, true);
    }
}
