using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Io;
using ThreeFs.Io.Tests.Transport;
using ThreeFs.Transport;
using ThreeFs.Transport.Rdma;

namespace ThreeFs.Rdma.Tests;

/// <summary>The address of the guest's RDMA device.</summary>
internal static class TestAddress
{
    public static string Host { get; set; } = "";
}

/// <summary>The contract with payloads in memory that the adapter reaches.</summary>
public sealed class RdmaTransportTests : RdmaContract
{
    private protected override BufferPool MakePool() => new(1L << 30, observer: Known);
}

/// <summary>The contract with payloads in memory that it does not: they are copied.</summary>
public sealed class RdmaStagedTransportTests : RdmaContract;

public abstract class RdmaContract : TransportContract
{
    private readonly Reactor _client = Reactor.Start("client").Value;
    private readonly Reactor _server = Reactor.Start("server").Value;
    private readonly RdmaTransport _transport;

    protected RdmaContract()
    {
        // Nothing here is about time, and emulation is slow.
        var options = new TransportOptions
        {
            MaxInFlight = MaxInFlight,
            ConnectTimeout = TimeSpan.FromMinutes(1),
            DefaultTimeout = TimeSpan.FromMinutes(4),
        };
        _transport = RdmaTransport.TryOpen([_client, _server], Known, options)
            ?? throw new InvalidOperationException("the guest has an RDMA device");
    }

    private protected RdmaMemory Known { get; } = new();

    private protected override ITransport Transport => _transport;

    private protected override Endpoint ListenOn => new(RdmaTransport.RdmaScheme, TestAddress.Host, 0);

    private protected override Endpoint Nobody => new(RdmaTransport.RdmaScheme, TestAddress.Host, 1);

    private protected override Task PassAsync(TimeSpan time) => Task.CompletedTask;

    private protected override async ValueTask CleanUpAsync()
    {
        await _transport.DisposeAsync();
        await _client.DisposeAsync();
        await _server.DisposeAsync();
    }
}
