using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Prometheus;
using ThreeFs.Base;

namespace ThreeFs.Hosting.Web;

/// <summary>Where a process is reached. A null port is not opened; 0 takes a free one.</summary>
public sealed record WebHostOptions(string Host, int? GrpcPort, int? HttpPort);

/// <summary>
/// The one Kestrel of a process: gRPC in clear HTTP/2 on one port, <c>/metrics</c> and <c>/healthz</c> in HTTP/1.1 on another.
/// <c>/healthz</c> answers 200 when <see cref="Health.IsReady"/> and otherwise 503 with the reasons.
/// </summary>
public sealed class WebHost : IAsyncDisposable
{
    private readonly WebApplication _app;

    private WebHost(WebApplication app, int grpcPort, int httpPort)
    {
        _app = app;
        GrpcPort = grpcPort;
        HttpPort = httpPort;
    }

    /// <summary>The port really listened on; 0 when not opened.</summary>
    public int GrpcPort { get; }

    /// <summary>The port really listened on; 0 when not opened.</summary>
    public int HttpPort { get; }

    /// <summary>Starts listening; a port in use is a <see cref="StatusCode.Busy"/> that names it.</summary>
    /// <param name="services">Registers what the gRPC services need.</param>
    /// <param name="routes">Maps the gRPC services.</param>
    public static async Task<Result<WebHost>> StartAsync(
        HostServices host,
        WebHostOptions options,
        Action<IServiceCollection>? services = null,
        Action<IEndpointRouteBuilder>? routes = null,
        CancellationToken ct = default)
    {
        if (!IPAddress.TryParse(options.Host, out var address))
            return new Status(StatusCode.InvalidArgument, $"host = \"{options.Host}\" is not an IP address");

        var app = Build(host, options, address, services, routes);
        try
        {
            await app.StartAsync(ct);
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            await app.DisposeAsync();
            return Explain(e, options);
        }

        var ports = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses
            .Select(a => BindingAddress.Parse(a).Port).ToArray();
        var next = 0;
        var grpc = options.GrpcPort is null ? 0 : ports[next++];
        var http = options.HttpPort is null ? 0 : ports[next];
        return new WebHost(app, grpc, http);
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }

    private static WebApplication Build(
        HostServices host,
        WebHostOptions options,
        IPAddress address,
        Action<IServiceCollection>? services,
        Action<IEndpointRouteBuilder>? routes)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = host.ProcessName });
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton(host.Logs);
        builder.Services.AddRouting();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            if (options.GrpcPort is { } grpc) kestrel.Listen(address, grpc, o => o.Protocols = HttpProtocols.Http2);
            if (options.HttpPort is { } http) kestrel.Listen(address, http, o => o.Protocols = HttpProtocols.Http1);
        });
        services?.Invoke(builder.Services);
        var app = builder.Build();
        app.UseRouting();
        if (options.HttpPort is not null)
        {
            app.MapMetrics();
            app.MapGet("/healthz", context => AnswerHealthAsync(context, host.Health));
        }

        routes?.Invoke(app);
        return app;
    }

    private static Task AnswerHealthAsync(HttpContext context, Health health)
    {
        context.Response.StatusCode = health.IsReady ? 200 : 503;
        context.Response.ContentType = "text/plain; charset=utf-8";
        var lines = health.Parts.Select(p => $"{p.Part}: {p.Reason ?? "ok"}\n");
        return context.Response.WriteAsync(health.IsReady ? "ok\n" + string.Concat(lines) : string.Concat(lines));
    }

    private static Status Explain(Exception e, WebHostOptions options)
    {
        var inUse = e is Microsoft.AspNetCore.Connections.AddressInUseException
            || e.InnerException is Microsoft.AspNetCore.Connections.AddressInUseException
            || e.GetBaseException() is SocketException { SocketErrorCode: SocketError.AddressAlreadyInUse };
        var what = $"grpc_port = {options.GrpcPort?.ToString() ?? "none"}, http_port = {options.HttpPort?.ToString() ?? "none"} on {options.Host}";
        return inUse
            ? new Status(StatusCode.Busy, $"cannot listen ({what}): {e.Message} Choose another port, or end the process that has it (ss -ltnp)")
            : new Status(StatusCode.IoError, $"cannot listen ({what}): {e.Message}");
    }
}
