using ThreeFs.Base;
using ThreeFs.Client.Mgmtd;
using ThreeFs.Storage.Peers;

namespace ThreeFs.Storage.Server;

/// <summary>The lease of the heartbeats, which begin after the targets were made. Without heartbeats there is no lease.</summary>
internal sealed class HeartbeatLease : ILease
{
    private volatile HeartbeatLoop? _heartbeats;

    public bool IsHeld => _heartbeats is { HasLease: true };

    public TimeSpan Left => _heartbeats?.LeaseLeft ?? TimeSpan.Zero;

    public RoutingVersion Routing => _heartbeats?.LeaseRouting ?? default;

    public void Follow(HeartbeatLoop heartbeats) => _heartbeats = heartbeats;
}
