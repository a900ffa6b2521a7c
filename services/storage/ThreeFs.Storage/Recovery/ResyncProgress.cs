using ThreeFs.Base;
using ThreeFs.Contracts.Storage;

namespace ThreeFs.Storage.Recovery;

/// <summary>How far the newest attempt to bring a successor up to date is.</summary>
/// <param name="Compared">Chunks looked at so far.</param>
/// <param name="IsDone">The successor was told that it has everything.</param>
/// <param name="Started">Timestamp of the attempt's beginning, and <paramref name="Ended"/> of its end; 0 while it runs.</param>
public readonly record struct ResyncProgress(
    VersionedChain Chain, TargetId Successor, bool IsRunning, long Compared, long Sent, long Removed, long Bytes, bool IsDone,
    long Started, long Ended)
{
    /// <param name="total">Chunks of the target that brings the other one up to date.</param>
    public ResyncReport Report(long total, TimeProvider time) => Successor.Value == 0
        ? default
        : new ResyncReport(
            Successor, IsRunning, Compared, Math.Max(total, Compared), Sent, Bytes,
            time.GetElapsedTime(Started, IsRunning ? time.GetTimestamp() : Ended));
}
