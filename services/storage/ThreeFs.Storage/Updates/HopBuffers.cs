using ThreeFs.Base.Memory;

namespace ThreeFs.Storage.Updates;

/// <summary>
/// Memory for what travels along chains, rented so that nodes cannot wait for each other in a circle: whoever holds a buffer while it waits
/// for others leaves room for those it waits for.
/// </summary>
/// <remarks>
/// With the chains 1→2→3, 2→3→1 and 3→1→2, a node whose memory is full of updates that wait for their successors could not take
/// the last hop of another chain, and no node could. An update with <i>n</i> hops behind it leaves <i>n</i> eighths of the pool, so updates
/// with fewer hops always find room, and the last hop waits for nobody.
/// </remarks>
public static class HopBuffers
{
    /// <summary>Longer chains than this share the last quota. Half of the pool is free for one at least, which is why it has 128 MiB or more.</summary>
    public const int MostHops = 4;

    /// <param name="hopsBehind">Replicas that still have to take the update after this one.</param>
    /// <returns>Null: no room; the caller answers Overloaded.</returns>
    public static BufferLease? TryRent(this BufferPool pool, int bytes, int hopsBehind) =>
        pool.TryRentLeaving(bytes, pool.LimitBytes / 8 * Math.Min(hopsBehind, MostHops));
}
