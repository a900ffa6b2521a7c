using ThreeFs.Base;
using ThreeFs.Contracts.Routing;

namespace ThreeFs.Mgmtd.State;

/// <summary>What a term knows of a node's life; forgotten with the term.</summary>
internal sealed class LiveNode
{
    /// <summary>
    /// Connecting, Connected or Failed; whether it is disabled is in its record, who is primary in the lease.
    /// </summary>
    public NodeState State { get; set; } = NodeState.Connecting;

    /// <summary>UTC, for display.</summary>
    public DateTimeOffset LastHeartbeat { get; set; }

    /// <summary>On the <see cref="ObservedClock"/>.</summary>
    public TimeSpan LastSeen { get; set; }

    /// <summary>The process that <see cref="Sequence"/> counts for.</summary>
    public ulong Generation { get; set; }
    public ulong Sequence { get; set; }
    public ulong ConfigVersion { get; set; }

    /// <summary>Targets of its last report that are in no chain.</summary>
    public HashSet<TargetId> Orphans { get; set; } = [];
}
