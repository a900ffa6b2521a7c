using Microsoft.Extensions.Logging;
using ThreeFs.Base.Memory;
using ThreeFs.Contracts.Routing;
using ThreeFs.Storage.Peers;
using ThreeFs.Storage.Recovery;
using ThreeFs.Storage.Threading;

namespace ThreeFs.Storage.Targets;

/// <summary>Everything outside of a replica that it works with.</summary>
public sealed record ReplicaServices(
    IExecutor Executor,
    TimeProvider Time,
    IReplicaPeers Peers,
    IRoutingSource Routing,
    ILease Lease,
    BufferPool Buffers,
    StorageLimits Limits,
    IStorageObserver Observer,
    ILogger Log)
{
    /// <summary>Hears of an exception of work that nobody waits for: a defect, after which the process must not go on.</summary>
    public required Action<Exception> Broken { get; init; }

    /// <summary>Shared by the targets of a process.</summary>
    public ResyncPace Pace { get; init; } = ResyncPace.Unlimited;
}
