using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using ThreeFs.Base;
using ThreeFs.Client.Mgmtd;
using ThreeFs.Contracts.Routing;
using ThreeFs.Hosting;
using ThreeFs.Hosting.Web;
using ThreeFs.Mgmtd.Server;
using ThreeFs.Mgmtd.Tests.Server;
using ThreeFs.Mgmtd.Tests.Support;

namespace ThreeFs.Mgmtd.Tests.Client;

/// <summary>How a client finds the primary among several mgmtds, over real connections.</summary>
public sealed class FailoverTests : IAsyncLifetime
{
    private readonly RecordingService[] _services = [new(), new()];
    private readonly List<WebHost> _hosts = [];
    private string _dead = "";

    private string Address(int i) => $"127.0.0.1:{_hosts[i].GrpcPort}";

    public async Task InitializeAsync()
    {
        foreach (var service in _services)
        {
            _hosts.Add(Expect.Ok(await WebHost.StartAsync(
                new HostServices("test", NullLoggerFactory.Instance, TimeProvider.System, 1),
                new WebHostOptions("127.0.0.1", 0, null),
                s =>
                {
                    s.AddGrpc();
                    s.AddSingleton(new ServiceSlot { Service = service });
                },
                r => r.MapGrpcService<MgmtdGrpc>())));
        }

        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        _dead = listener.LocalEndpoint.ToString()!;
    }

    public async Task DisposeAsync()
    {
        foreach (var host in _hosts) await host.DisposeAsync();
    }

    [Fact]
    public async Task A_dead_address_is_passed_over()
    {
        using var client = Client(_dead, Address(0));
        _services[0].Answer = 7UL;
        Assert.Equal(7UL, Expect.Ok(await client.SetConfigAsync("c", NodeKind.Meta, "", "", default)));
    }

    [Fact]
    public async Task The_hint_of_a_mgmtd_that_is_not_primary_is_followed_even_to_an_address_that_was_not_given()
    {
        using var client = Client(Address(0));
        _services[0].Answer = new Status(StatusCode.NotPrimary, Address(1));
        _services[1].Answer = 8UL;
        Assert.Equal(8UL, Expect.Ok(await client.SetConfigAsync("c", NodeKind.Meta, "", "", default)));

        // And remembered: the first is not asked again.
        _services[0].Answer = 9UL;
        Assert.Equal(8UL, Expect.Ok(await client.SetConfigAsync("c", NodeKind.Meta, "", "", default)));
    }

    [Fact]
    public async Task Hints_that_lead_in_circles_end()
    {
        using var client = Client(Address(0), Address(1));
        _services[0].Answer = new Status(StatusCode.NotPrimary, Address(1));
        _services[1].Answer = new Status(StatusCode.NotPrimary, Address(0));
        Expect.Fails(StatusCode.Unavailable, (await client.SetConfigAsync("c", NodeKind.Meta, "", "", default)).Status, "no primary mgmtd");
    }

    [Fact]
    public async Task A_primary_that_dies_is_left_for_the_other_one()
    {
        using var client = Client(Address(0), Address(1));
        _services[0].Answer = 7UL;
        _services[1].Answer = 8UL;
        Assert.Equal(7UL, Expect.Ok(await client.SetConfigAsync("c", NodeKind.Meta, "", "", default)));
        await _hosts[0].DisposeAsync();
        Assert.Equal(8UL, Expect.Ok(await client.SetConfigAsync("c", NodeKind.Meta, "", "", default)));
    }

    [Fact]
    public async Task Nobody_there_is_a_status_and_no_exception()
    {
        using var client = Client(_dead);
        Assert.Equal(StatusCode.ConnectFailed, (await client.GetRoutingAsync("c", default, default)).Code);
        Assert.Equal(StatusCode.ConnectFailed, await Code(client.RegisterNodeAsync("c", new NodeId(1), NodeKind.Meta, default)));
    }

    [Fact]
    public async Task A_server_that_accepts_and_says_nothing_costs_one_time_limit()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        using var client = new MgmtdClient(
            new MgmtdClientOptions([silent.LocalEndpoint.ToString()!, Address(1)]) { CallTimeout = TimeSpan.FromMilliseconds(300), Patience = TimeSpan.Zero },
            TimeProvider.System);
        _services[1].Answer = 8UL;
        Assert.Equal(8UL, Expect.Ok(await client.SetConfigAsync("c", NodeKind.Meta, "", "", default)));
    }

    [Fact]
    public async Task A_caller_that_gives_up_gets_cancelled()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        using var client = Client(silent.LocalEndpoint.ToString()!);
        using var ct = new CancellationTokenSource();
        var call = client.GetRoutingAsync("c", default, ct.Token).AsTask();
        await ct.CancelAsync();
        Assert.Equal(StatusCode.Cancelled, (await call).Code);
    }

    [Fact]
    public async Task A_closed_client_answers_unavailable()
    {
        var client = Client(Address(0));
        client.Dispose();
        Assert.Equal(StatusCode.Unavailable, (await client.GetRoutingAsync("c", default, default)).Code);
    }

    [Theory]
    [InlineData("")]
    [InlineData("localhost")]
    [InlineData("http://localhost:80")]
    [InlineData("localhost:80/x")]
    [InlineData("localhost:0")]
    [InlineData("localhost:99999")]
    public void What_is_no_address_is_refused(string address) =>
        Expect.Fails(StatusCode.InvalidArgument, new MgmtdClientOptions([address]).Validate(), "host:port");

    private static async Task<StatusCode> Code(ValueTask<Status> status) => (await status).Code;

    private static MgmtdClient Client(params string[] addresses) =>
        new(new MgmtdClientOptions([.. addresses]) { CallTimeout = TimeSpan.FromSeconds(20), Patience = TimeSpan.Zero }, TimeProvider.System);
}
