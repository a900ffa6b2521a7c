using ThreeFs.Contracts.Mgmtd;

namespace ThreeFs.Mgmtd.Server;

/// <summary>
/// Where the gRPC face finds the service: filled after the ports are known, which the service announces, and emptied
/// before it stops.
/// </summary>
internal sealed class ServiceSlot
{
    private volatile IMgmtdService? _service;

    public IMgmtdService? Service
    {
        get => _service;
        set => _service = value;
    }
}
