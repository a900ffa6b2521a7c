using Microsoft.Extensions.Logging;
using ThreeFs.Base.Memory;
using ThreeFs.Contracts.Routing;
using ThreeFs.Storage.Peers;
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
    ILogger Log);
