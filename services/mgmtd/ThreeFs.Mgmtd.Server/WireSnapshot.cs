using ThreeFs.Contracts.Routing;
using ThreeFs.Protos.Mgmtd;

namespace ThreeFs.Mgmtd.Server;

/// <summary>Every client asks for the same snapshot: its message is built once.</summary>
internal sealed class WireSnapshot
{
    private volatile Tuple<RoutingInfo, Routing>? _newest;

    public Routing Of(RoutingInfo info)
    {
        var newest = _newest;
        if (newest is not null && ReferenceEquals(newest.Item1, info)) return newest.Item2;
        var wire = info.ToWire();
        _newest = Tuple.Create(info, wire);
        return wire;
    }
}
