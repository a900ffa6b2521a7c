using ThreeFs.Base;

namespace ThreeFs.Mgmtd;

/// <summary>
/// The times that keep two parties from acting on one authority. All are measured on monotonic clocks, each by the
/// process that waits; wall clocks only reject heartbeats that are absurdly off.
/// </summary>
/// <remarks>
/// <b>A storage server stops before its targets are replaced.</b> It may serve until <see cref="NodeLease"/> after it
/// <em>sent</em> the last accepted heartbeat. The primary calls it dead when it heard nothing for
/// <see cref="FailureTimeout"/> after it <em>received</em> that heartbeat, which is not earlier. So with clock rates
/// off by a fraction ρ on either side it is safe as long as NodeLease · (1 + ρ) &lt; FailureTimeout · (1 − ρ); the
/// defaults (2 s, 3 s) allow ρ = 20 %, real clocks drift below 0.1 %. A stalled primary waits longer, never shorter.
/// <para>
/// <b>A new primary inherits that argument</b> because it calls nobody dead in its first FailureTimeout
/// (plus <see cref="PrimaryLease"/> when it took over from a process of its own id without waiting for the
/// lease to end): every node lease that its predecessor granted was sent before the predecessor's trust
/// ended, so it has ended by then.
/// </para>
/// <para>
/// <b>Two primaries never both trust themselves.</b> The primary trusts its lease for PrimaryLease less
/// <see cref="TrustMargin"/> after it <em>began</em> the last successful extension. A challenger takes over after it
/// has seen the same beat for a whole PrimaryLease on its own clock, counted from a read that came after that
/// extension's commit. And the store is the judge: every transaction of a primary reads the lease record, so a deposed
/// one cannot commit however its clock runs.
/// </para>
/// </remarks>
public sealed record MgmtdTiming
{
    /// <summary>How long a primary's beat is good for.</summary>
    public TimeSpan PrimaryLease { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>How often the primary beats and challengers look.</summary>
    public TimeSpan PrimaryBeat { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>How much earlier than the lease's end the primary stops to trust it.</summary>
    public TimeSpan TrustMargin { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>A node silent for so long is dead.</summary>
    public TimeSpan FailureTimeout { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>How long a node may act on an accepted heartbeat.</summary>
    public TimeSpan NodeLease { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How often silence is looked at.</summary>
    public TimeSpan CheckInterval { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>Reports that arrive this close together change chains in one transaction.</summary>
    public TimeSpan ChainDelay { get; init; } = TimeSpan.FromMilliseconds(25);

    /// <summary>A heartbeat whose clock is off by more is refused; zero accepts any.</summary>
    public TimeSpan ClockSkew { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>A client session not extended for so long is over.</summary>
    public TimeSpan ClientSession { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long a new primary cannot know which clients live.</summary>
    public TimeSpan Bootstrapping { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How often changed space figures are published.</summary>
    public TimeSpan SpaceInterval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Longest wait for newer routing that a caller may ask for.</summary>
    public TimeSpan MaxRoutingWait { get; init; } = TimeSpan.FromSeconds(30);

    public Status Validate()
    {
        if (NodeLease <= TimeSpan.Zero || NodeLease * 1.2 > FailureTimeout)
        {
            return Bad(
                $"node_lease = {NodeLease} must be positive and at most five sixths of "
                + $"failure_timeout = {FailureTimeout}");
        }

        if (CheckInterval <= TimeSpan.Zero || CheckInterval > FailureTimeout)
            return Bad(
                $"check_interval = {CheckInterval} must be positive and at most failure_timeout = {FailureTimeout}");
        if (TrustMargin < PrimaryLease * 0.1 || PrimaryBeat <= TimeSpan.Zero
            || PrimaryBeat * 2 + TrustMargin > PrimaryLease)
        {
            return Bad($"primary_lease = {PrimaryLease} must hold two of primary_beat = {PrimaryBeat} "
                + $"and trust_margin = {TrustMargin}, "
                + "which must be at least a tenth of it");
        }

        if (ChainDelay < TimeSpan.Zero || ChainDelay > TimeSpan.FromSeconds(1))
            return Bad($"chain_delay = {ChainDelay} must be between 0 and 1 s");
        if (ClientSession <= TimeSpan.Zero || Bootstrapping < TimeSpan.Zero
            || SpaceInterval <= TimeSpan.Zero || ClockSkew < TimeSpan.Zero)
        {
            return Bad("client_session, space_interval must be positive, bootstrapping and clock_skew not negative");
        }

        return Status.Ok;
    }

    private static Status Bad(string message) => new(StatusCode.InvalidArgument, message);
}
