using ThreeFs.Base;
using ThreeFs.Contracts.Routing;

namespace ThreeFs.Client.Meta;

/// <summary>
/// Which metadata server a client talks to: one of the active ones, chosen at random once so that clients spread, and kept
/// until it fails. A server that failed is passed over for a while, unless nobody else is left. While routing shows
/// no active server the known ones that no operator disabled are tried: an old picture is better than none. Thread-safe.
/// </summary>
internal sealed class MetaServerChoice(TimeProvider time, TimeSpan pause, ulong start)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<NodeId, long> _failedAt = [];
    private NodeId _current;
    private ulong _start = start;

    /// <summary>The server to use now, or null when routing knows none.</summary>
    public NodeInfo? Choose(RoutingInfo routing)
    {
        lock (_lock)
        {
            var usable = Usable(routing);
            if (usable.Count == 0) return null;
            foreach (var node in usable)
            {
                if (node.Id == _current && !IsPaused(node.Id)) return node;
            }

            var chosen = Next(usable);
            _current = chosen.Id;
            return chosen;
        }
    }

    public void Failed(NodeId server)
    {
        lock (_lock)
        {
            _failedAt[server] = time.GetTimestamp();
            _start++;
        }
    }

    public void Succeeded(NodeId server)
    {
        lock (_lock)
        {
            if (_failedAt.Count != 0) _failedAt.Remove(server);
        }
    }

    private NodeInfo Next(List<NodeInfo> usable)
    {
        for (var i = 0; i < usable.Count; i++)
        {
            var node = usable[(int)((_start + (ulong)i) % (ulong)usable.Count)];
            if (!IsPaused(node.Id)) return node;
        }

        return usable[(int)(_start % (ulong)usable.Count)];
    }

    private bool IsPaused(NodeId server) =>
        _failedAt.TryGetValue(server, out var at) && time.GetElapsedTime(at) < pause;

    private static List<NodeInfo> Usable(RoutingInfo routing)
    {
        var active = new List<NodeInfo>();
        var known = new List<NodeInfo>();
        foreach (var node in routing.Nodes.Values)
        {
            if (node.Kind != NodeKind.Meta || node.State == NodeState.Disabled || node.Endpoint(EndpointKind.Data) is null) continue;
            known.Add(node);
            if (node.IsActive) active.Add(node);
        }

        var usable = active.Count != 0 ? active : known;
        usable.Sort((a, b) => a.Id.CompareTo(b.Id));
        return usable;
    }
}
