using System.Collections.Immutable;
using ThreeFs.Base;
using ThreeFs.Contracts.Routing;

namespace ThreeFs.Client.Tests.Testing;

/// <summary>Routing that a test changes by hand.</summary>
internal sealed class FakeRouting : IRoutingSource
{
    public RoutingInfo Current { get; set; } = RoutingInfo.Empty;

    public int Refreshes { get; private set; }

    /// <summary>Called on every request for a refresh.</summary>
    public Action? OnRefresh { get; set; }

    public void RequestRefresh()
    {
        Refreshes++;
        OnRefresh?.Invoke();
    }

    public static NodeInfo Node(uint id, NodeState state = NodeState.Connected, string host = "host",
        string? zone = null) => new(
        new NodeId(
            id), NodeKind.Storage, host, 1, [new ServiceEndpoint(EndpointKind.Data, $"s{id}", 1)], state, default,
        zone is null ? ImmutableSortedDictionary<string, string>.Empty
            : ImmutableSortedDictionary<string, string>.Empty.Add("TrafficZone", zone));
}
