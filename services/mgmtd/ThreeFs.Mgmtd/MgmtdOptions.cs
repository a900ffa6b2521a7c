using System.Collections.Immutable;
using ThreeFs.Base;
using ThreeFs.Contracts.Routing;

namespace ThreeFs.Mgmtd;

/// <summary>Who this mgmtd is and how it behaves.</summary>
/// <param name="Endpoints">Where it is reached; the gRPC one is handed out as the primary's address.</param>
public sealed record MgmtdOptions(
    string ClusterId, NodeId Node, string HostName, int ProcessId, ImmutableArray<ServiceEndpoint> Endpoints)
{
    public MgmtdTiming Timing { get; init; } = new();

    /// <summary>Nodes that nobody registered become known with their first heartbeat.</summary>
    public bool AllowUnknownNodes { get; init; } = true;

    public Status Validate()
    {
        if (ClusterId.Length == 0) return new Status(StatusCode.InvalidArgument, "cluster_id is empty");
        return Node.Value == 0
            ? new Status(StatusCode.InvalidArgument, "node_id is 0; give every process a number of its own")
            : Timing.Validate();
    }
}
