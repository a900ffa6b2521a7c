namespace ThreeFs.Cluster.Tests.Harness;

/// <summary>What `threefs status --json` prints.</summary>
public sealed record ClusterStatus(
    string Dir, MountStatus Mount, NodeStatus[] Nodes, ChainStatus[] Chains, SpaceStatus? Space)
{
    public bool AllServing => Chains.Length > 0 && Chains.All(c => c.Targets.All(t => t.State == "serving"));

    public NodeStatus PrimaryMgmtd => Nodes.Single(n => n is { Role: "mgmtd", State: "primary" });

    public IEnumerable<NodeStatus> Of(string role) => Nodes.Where(n => n.Role == role);

    /// <summary>The storage node that holds the target at a position of a chain, 0 being the head.</summary>
    public NodeStatus NodeAt(int chain, int position) => Nodes.Single(n => n.Id == Chains[chain].Targets[position].Node);
}

public sealed record MountStatus(string Path, bool Mounted, int? Pid);

public sealed record NodeStatus(string Name, string Role, uint Id, int? Pid, string Address, string State, double? HeartbeatAgeSeconds);

public sealed record ChainStatus(uint Id, uint Version, TargetStatus[] Targets);

public sealed record TargetStatus(ulong Id, uint Node, string State);

public sealed record SpaceStatus(long CapacityBytes, long FreeBytes, long UsedBytes);
