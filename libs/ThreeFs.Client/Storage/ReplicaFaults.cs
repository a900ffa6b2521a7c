using ThreeFs.Base;

namespace ThreeFs.Client.Storage;

internal static class ReplicaFaults
{
    /// <summary>
    /// One replica's disk or memory is at fault: another replica, or the same chain without it, may do better. Tried a
    /// bounded number of times, unlike what the cluster certainly heals from.
    /// </summary>
    public static bool IsReplicaFault(this StatusCode code) =>
        code is StatusCode.ChecksumMismatch or StatusCode.Corruption or StatusCode.IoError or StatusCode.Internal;
}
