using ThreeFs.Base;
using ThreeFs.Contracts.Routing;
using ThreeFs.Mgmtd.State;

namespace ThreeFs.Mgmtd.Ops;

/// <summary>
/// Who holds the lease: this process's own knowledge when it is the primary, else what the store says.
/// </summary>
internal sealed class GetPrimary(MgmtdCore core)
{
    public async ValueTask<Result<NodeInfo?>> RunAsync(CancellationToken ct)
    {
        var own = core.Read(term => Snapshots.NodeOf(term, term.Cluster.Nodes[term.Self]));
        if (own.IsOk) return own.Value;
        var stored = await core.Lease.LookAsync(ct);
        if (!stored.IsOk) return stored.Status;
        if (stored.Value?.Owner is not { } owner) return (NodeInfo?)null;
        return new NodeInfo(
            owner.Id, owner.Kind, owner.HostName, owner.ProcessId, owner.Endpoints, NodeState.PrimaryMgmtd,
            DateTimeOffset.UnixEpoch, owner.Tags);
    }
}
