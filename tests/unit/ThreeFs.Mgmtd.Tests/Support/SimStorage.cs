using ThreeFs.Base;
using ThreeFs.Contracts.Mgmtd;
using ThreeFs.Contracts.Routing;

namespace ThreeFs.Mgmtd.Tests.Support;

/// <summary>
/// A storage server as mgmtd sees it: it acts on the routing it knows, vouches for its targets by the rules of a
/// real one, and holds a lease. Knows which targets would serve requests at a moment, which is what the safety checkers ask for.
/// </summary>
internal sealed class SimStorage(uint node, ulong[] targets, TimeProvider time)
{
    private readonly Dictionary<ulong, Standing> _standings = [];
    private RoutingInfo _routing = RoutingInfo.Empty;
    private ulong _sequence;
    private ulong _generation;
    private long _leaseEnd = long.MinValue;

    public uint Node { get; } = node;
    public ulong[] Targets { get; } = targets;
    public bool IsUp { get; private set; }

    private sealed record Standing(LocalTargetState Local, uint Acted, TargetState? Seen, bool Synced);

    public void Start()
    {
        (IsUp, _sequence, _routing, _leaseEnd) = (true, 0, RoutingInfo.Empty, long.MinValue);
        _generation = Math.Max(_generation + 1, (ulong)time.GetUtcNow().Ticks);
        foreach (var id in Targets) _standings[id] = new Standing(LocalTargetState.Online, 0, null, false);
    }

    public void Kill() => IsUp = false;

    public bool HasLease => IsUp && time.GetTimestamp() < _leaseEnd;

    /// <summary>The targets that would answer a request now, with the chain version they would answer for.</summary>
    public IEnumerable<(ulong Target, uint Version)> Serving =>
        HasLease
            ? _standings.Where(s => s.Value is { Local: LocalTargetState.UpToDate, Seen: TargetState.Serving }).Select(s => (s.Key, s.Value.Acted))
            : [];

    /// <summary>Takes newer routing in and puts each target where it belongs.</summary>
    public void Observe(RoutingInfo routing)
    {
        if (!IsUp || routing.Version <= _routing.Version) return;
        _routing = routing;
        foreach (var id in Targets)
        {
            var chain = routing.Chains.Values.FirstOrDefault(c => c.Targets.Any(t => t.Id.Value == id));
            if (chain is null) continue;
            var state = chain.Targets.First(t => t.Id.Value == id).State;
            var old = _standings[id];
            var version = chain.Version.Value;
            var local = (old.Local, state) switch
            {
                (LocalTargetState.UpToDate, TargetState.Serving) => LocalTargetState.UpToDate,
                (LocalTargetState.UpToDate, TargetState.Syncing) when version == old.Acted => LocalTargetState.UpToDate,
                (_, TargetState.Serving) when old.Seen == TargetState.LastServing => LocalTargetState.UpToDate,
                _ => LocalTargetState.Online,
            };
            _standings[id] = new Standing(local, version, state, false);
        }
    }

    /// <summary>The predecessor finished sending everything, if there is one and the target is syncing.</summary>
    public bool FinishSync(ulong target)
    {
        if (!IsUp || _standings[target] is not { Seen: TargetState.Syncing, Local: LocalTargetState.Online } standing) return false;
        _standings[target] = standing with { Local = LocalTargetState.UpToDate };
        return true;
    }

    /// <summary>Sends a heartbeat; a lost answer extends no lease.</summary>
    public async Task<Status> BeatAsync(IMgmtdService mgmtd, bool answerArrives = true)
    {
        if (!IsUp) return StatusCode.Unavailable;
        var sent = time.GetTimestamp();
        var reports = Targets.Select(id => new LocalTarget(
            new TargetId(id), _standings[id].Local, new ChainVersion(_standings[id].Acted), 0, 0, 1000, false));
        var result = await mgmtd.HeartbeatAsync("test", new Heartbeat(
            new NodeId(Node), NodeKind.Storage, "s" + Node, (int)_generation, [new ServiceEndpoint(EndpointKind.Data, "10.2.0." + Node, 9000)],
            ++_sequence, time.GetUtcNow(), 0, [.. reports], _generation), default);
        if (result.TryGet(out var reply) && answerArrives) _leaseEnd = sent + reply.Lease.Ticks * time.TimestampFrequency / TimeSpan.TicksPerSecond;
        return result.Status;
    }
}
