using Microsoft.Extensions.Logging;
using ThreeFs.Base;
using ThreeFs.Contracts.Routing;
using ThreeFs.Storage.Targets;

namespace ThreeFs.Storage.Server.Disks;

/// <summary>
/// Targets that the cluster manager knows on this node and that are on none of its disks: a directory was lost, or a wrong disk is
/// mounted. Each is logged once, until it is there again. Not thread-safe: called with each routing in turn.
/// </summary>
internal sealed class ExpectedTargets(NodeId self, ReplicaSet replicas, ILogger log)
{
    private HashSet<TargetId> _missing = [];

    public void Compare(RoutingInfo routing)
    {
        var missing = new HashSet<TargetId>();
        foreach (var target in routing.Targets.Values)
        {
            if (target.Node != self || replicas.Find(target.Id) is not null) continue;
            missing.Add(target.Id);
            if (!_missing.Contains(target.Id)) Log.TargetMissing(log, target.Id, target.Chain);
        }

        _missing = missing;
    }
}
