using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using ThreeFs.Base;
using ThreeFs.Client.Mgmtd;
using ThreeFs.Contracts.Routing;
using ThreeFs.Sim.World;

namespace ThreeFs.Sim.Nodes;

/// <summary>A server of the cluster through all its lives: it starts, dies at any event, and starts again with what its disks kept.</summary>
internal abstract class SimNode(SimCluster cluster, NodeId id, string name)
{
    public NodeId Id { get; } = id;

    public SimHost Host { get; } = new(name);

    public string Name => Host.Name;

    /// <summary>Null while it is dead.</summary>
    public SimProcess? Process { get; private set; }

    public bool IsUp => Process is not null;

    protected SimCluster Cluster { get; } = cluster;

    public void Start()
    {
        Invariant.Check(Process is null, "a node runs once");
        var world = Cluster.World;
        var clock = new ProcessClock(world)
        {
            Drift = (world.Random.NextDouble() - 0.5) * 0.002,
            Origin = world.Random.Next(1, 1_000_000_000),
            Skew = TimeSpan.FromMilliseconds(world.Random.Next(-2000, 2000)),
        };
        Process = new SimProcess(world, Host, Name, clock);
        world.Timeline.Write(Name, "starts");
        var process = Process;
        process.Start(() => RunAsync(process));
    }

    public virtual void Kill(bool losesPower)
    {
        if (Process is not { } process) return;
        Cluster.World.Timeline.Write(Name, losesPower ? "loses power" : "is killed");
        Process = null;
        process.Die();
        Ended();
    }

    protected abstract Task RunAsync(SimProcess process);

    protected virtual void Ended()
    {
    }

    protected ILoggerFactory LogsOf(SimProcess process) => new SimLogs(Cluster.World, process.Name);

    protected HeartbeatLoop Beat(
        SimProcess process, NodeKind kind, ImmutableArray<ServiceEndpoint> endpoints, HeartbeatOptions? more = null)
    {
        more ??= new HeartbeatOptions("", Id, kind, "", 0, endpoints);
        var options = more with
        {
            ClusterId = SimCluster.ClusterId, Node = Id, Kind = kind, HostName = Name, ProcessId = 1, Endpoints = endpoints,
        };
        return new HeartbeatLoop(options, Cluster.NewMgmtdClient(process), process.Time, LogsOf(process));
    }
}
