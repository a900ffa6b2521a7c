using System.Numerics;
using ThreeFs.Base;
using ThreeFs.Client.Connections;
using ThreeFs.Contracts.Storage;

namespace ThreeFs.Client.Storage;

/// <summary>A serving replica and how to reach it.</summary>
/// <param name="Peer">Null while its node announces no data endpoint.</param>
/// <param name="IsNear">On the preferred host or in the preferred zone.</param>
internal sealed record Replica(TargetId Target, NodeId Node, Peer? Peer, bool IsActive, bool IsNear);

/// <summary>
/// One chain of a routing snapshot, ready for use: its serving replicas from head to tail. Chooses the replica of a
/// read: a near one if any, otherwise the less busy of two taken in turn; one whose connection is known to be broken or
/// whose node is silent only when nothing better is left.
/// </summary>
internal sealed class ChainRoute(VersionedChain chain, RoutingVersion routing, Replica[] serving)
{
    /// <summary>Bits of the replicas that one operation has tried.</summary>
    public const int MaxReplicas = 32;

    private uint _turn;

    public VersionedChain Chain { get; } = chain;

    /// <summary>The snapshot that this was made from.</summary>
    public RoutingVersion Routing { get; } = routing;

    public Replica[] Serving { get; } = serving;

    /// <summary>The replica that takes updates, or null while the chain serves nothing.</summary>
    public Replica? Head => Serving.Length == 0 ? null : Serving[0];

    /// <summary>Index of the replica to read from, or -1 when every one is in <paramref name="tried"/>.</summary>
    public int Choose(uint tried)
    {
        var best = -1;
        var bestScore = int.MaxValue;
        var first = Interlocked.Increment(ref _turn);
        for (var i = 0u; i < Serving.Length; i++)
        {
            var index = (int)((first + i) % (uint)Serving.Length);
            if ((tried & (1u << index)) != 0) continue;
            var score = Score(Serving[index]);
            if (score >= bestScore) continue;
            best = index;
            bestScore = score;
        }

        return best;
    }

    /// <summary>A replica is left that is not in <paramref name="tried"/>.</summary>
    public bool HasUntried(uint tried) => BitOperations.PopCount(tried) < Serving.Length;

    private static int Score(Replica replica)
    {
        if (replica.Peer is null) return int.MaxValue - 1;
        var score = Math.Min(replica.Peer.InFlight, 1 << 20);
        if (!replica.IsNear) score += 1 << 21;
        if (!replica.IsActive) score += 1 << 23;
        if (replica.Peer.IsSuspect) score += 1 << 24;
        return score;
    }
}
