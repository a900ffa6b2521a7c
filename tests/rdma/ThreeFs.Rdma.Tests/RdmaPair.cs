using ThreeFs.Base.Memory;
using ThreeFs.Io;
using ThreeFs.Io.Tests.Transport;
using ThreeFs.Transport;
using ThreeFs.Transport.Rdma;

namespace ThreeFs.Rdma.Tests;

/// <summary>A client and a server, each with a reactor and a transport of its own, and memory that both adapters reach.</summary>
public abstract class RdmaPair : IAsyncLifetime
{
    private readonly Reactor _server = Reactor.Start("server").Value;
    private readonly RdmaTransport _serving;

    protected RdmaPair()
    {
        var options = new TransportOptions { ConnectTimeout = TimeSpan.FromMinutes(1) };
        var rdma = new RdmaOptions { CancelGrace = TimeSpan.FromMilliseconds(300) };
        Pool = new BufferPool(1L << 28, observer: Memory);
        Calling = RdmaTransport.TryOpen([Client], Memory, options, rdma)!;
        _serving = RdmaTransport.TryOpen([_server], Memory, options, rdma)!;
        Handler = new EchoHandler(Pool);
        Listener = _serving.Listen(new Endpoint(RdmaTransport.RdmaScheme, TestAddress.Host, 0), Handler).Value;
    }

    private protected Reactor Client { get; } = Reactor.Start("client").Value;

    private protected Reactor Server => _server;

    private protected RdmaMemory Memory { get; } = new();

    private protected BufferPool Pool { get; }

    private protected RdmaTransport Calling { get; }

    private protected EchoHandler Handler { get; }

    private protected IListener Listener { get; }

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        await Listener.DisposeAsync();
        Assert.Equal(0, Listener.InFlight);
        Assert.Equal(0, Pool.Outstanding);
        Pool.Dispose();
        await Calling.DisposeAsync();
        await _serving.DisposeAsync();
        await Client.DisposeAsync();
        await _server.DisposeAsync();
    }

    private protected async Task<IConnection> ConnectAsync() => (await Calling.ConnectAsync(Listener.Endpoint)).Value;
}
