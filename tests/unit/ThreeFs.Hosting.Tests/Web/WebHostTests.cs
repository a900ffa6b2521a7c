using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using Prometheus;
using ThreeFs.Base;
using ThreeFs.Hosting.Web;

namespace ThreeFs.Hosting.Tests.Web;

public sealed class WebHostTests
{
    private static readonly WebHostOptions _anyPort = new("127.0.0.1", null, 0);

    [Fact]
    public async Task Metrics_and_health_are_served()
    {
        var host = NewHost();
        Prometheus.Metrics.CreateCounter("threefs_hosting_test_total", "For this test.").Inc();
        await using var web = (await WebHost.StartAsync(host, _anyPort)).Value;
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{web.HttpPort}") };

        Assert.Contains("threefs_hosting_test_total 1", await http.GetStringAsync("/metrics"));

        host.Health.NotReady("disk", "no heartbeat yet");
        var down = await http.GetAsync("/healthz");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, down.StatusCode);
        Assert.Contains("disk: no heartbeat yet", await down.Content.ReadAsStringAsync());

        host.Health.Ready("disk");
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("/healthz")).StatusCode);
    }

    [Fact]
    public async Task A_port_in_use_is_named()
    {
        await using var first = (await WebHost.StartAsync(NewHost(), _anyPort)).Value;
        var second = await WebHost.StartAsync(NewHost(), _anyPort with { HttpPort = first.HttpPort });
        Assert.Equal(StatusCode.Busy, second.Code);
        Assert.Contains($"{first.HttpPort}", second.Status.Message);
    }

    [Fact]
    public async Task A_host_that_is_no_address_is_refused()
    {
        var result = await WebHost.StartAsync(NewHost(), _anyPort with { Host = "nowhere" });
        Assert.Equal(StatusCode.InvalidArgument, result.Code);
        Assert.Contains("nowhere", result.Status.Message);
    }

    private static HostServices NewHost() => new("test", NullLoggerFactory.Instance, TimeProvider.System, 1);
}
