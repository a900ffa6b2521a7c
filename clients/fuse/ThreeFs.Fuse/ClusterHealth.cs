using ThreeFs.Contracts.Routing;

namespace ThreeFs.Fuse;

/// <summary>Why operations of a mount would wait now, as its routing shows: what /healthz says of a mount that is mounted.</summary>
internal static class ClusterHealth
{
    public const string Part = "cluster";

    /// <summary>A change of primary takes less; nobody needs to hear of it.</summary>
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(10);

    private const int Named = 5;

    /// <param name="failingFor">How long no cluster manager has answered; null while one does.</param>
    /// <returns>In words for an operator; null when all is well.</returns>
    public static string? Trouble(RoutingInfo routing, TimeSpan? failingFor)
    {
        if (failingFor is { } time && time >= _patience) return $"no cluster manager has answered for {time.TotalSeconds:0} s";
        if (!routing.Nodes.Values.Any(n => n is { Kind: NodeKind.Meta, IsActive: true })) return "no metadata server is alive";
        var dead = routing.Chains.Values.Where(c => c.Targets.All(t => t.State != TargetState.Serving))
            .Select(c => c.Id).Order().ToArray();
        if (dead.Length == 0) return null;
        var more = dead.Length > Named ? $" and {dead.Length - Named} more" : "";
        return $"no target serves of chain {string.Join(", ", dead.Take(Named))}{more}";
    }
}
