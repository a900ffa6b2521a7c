using ThreeFs.Base;
using ThreeFs.Mgmtd.Records;

namespace ThreeFs.Mgmtd.Lease;

/// <summary>
/// A challenger's judgement of a foreign lease, without comparing clocks of two machines: it may be taken once the same
/// beat has been seen for a whole lease on the challenger's own clock. Pure but for what it remembers.
/// </summary>
internal sealed class LeaseWatch(TimeSpan lease)
{
    private LeaseRecord? _lease;
    private BeatRecord? _beat;
    private TimeSpan _since;

    /// <summary>The lease seen last; null before the first look or when there is none.</summary>
    public LeaseRecord? Seen => _lease;

    /// <param name="now">A monotonic time from after the read.</param>
    /// <returns>Whether the lease may be taken.</returns>
    public bool MayTake(LeaseRecord? lease1, BeatRecord? beat, NodeId self, TimeSpan now)
    {
        if (lease1 != _lease || beat != _beat) (_lease, _beat, _since) = (lease1, beat, now);
        if (lease1?.Owner is not { } owner) return true;
        // A lease of this node's own id is left over from its previous process; the store fences that
        // one if it still runs.
        return owner.Id == self || now - _since >= lease;
    }

    /// <summary>Starts the wait anew, after a failed attempt to take the lease.</summary>
    public void Reset() => _beat = null;
}
