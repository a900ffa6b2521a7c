using ThreeFs.Base;
using ThreeFs.Contracts.Mgmtd;
using ThreeFs.Contracts.Routing;
using ThreeFs.Mgmtd;
using ThreeFs.Sim.World;

namespace ThreeFs.Sim.Nodes;

/// <summary>A cluster manager: the production service on the shared store.</summary>
internal sealed class MgmtdNode(SimCluster cluster, uint id, string name) : SimNode(cluster, new NodeId(id), name)
{
    public MgmtdService? Service { get; private set; }

    protected override Task RunAsync(SimProcess process)
    {
        var options = new MgmtdOptions(
            SimCluster.ClusterId, Id, Host.Name, (int)process.Random.Next(1, 30_000), [new(EndpointKind.Grpc, Host.Name, 1)])
        {
            Timing = SimCluster.Timing,
        };
        Service = new MgmtdService(options, Cluster.NewKv(process), process.Time, process.Random.Fork(), LogsOf(process));
        Cluster.Managers.Offer(process, Service);
        Service.Start();
        Beat(process, NodeKind.Mgmtd, [new(EndpointKind.Grpc, Host.Name, 1)]).Start();
        return Service.Completion;
    }

    protected override void Ended() => Service = null;
}
