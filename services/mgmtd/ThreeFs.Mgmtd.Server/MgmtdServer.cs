using System.Collections.Immutable;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using ThreeFs.Base;
using ThreeFs.Client.Mgmtd;
using ThreeFs.Contracts.Routing;
using ThreeFs.Hosting;
using ThreeFs.Hosting.Web;
using ThreeFs.Kv;

namespace ThreeFs.Mgmtd.Server;

/// <summary>
/// A mgmtd process: the service on its store, gRPC and metrics, and heartbeats to whoever is primary. Ready when it is
/// the primary or knows a living one.
/// </summary>
public sealed class MgmtdServer : IAsyncDisposable
{
    /// <summary>The primary's own figures change with time, not with requests.</summary>
    private static readonly TimeSpan _healthInterval = TimeSpan.FromMilliseconds(100);

    private readonly HostServices _host;
    private readonly IKvEngine _kv;
    private readonly bool _ownsKv;
    private readonly WebHost _web;
    private readonly ServiceSlot _slot;
    private readonly MgmtdService _service;
    private readonly MgmtdClient _peers;
    private readonly HeartbeatLoop _heartbeats;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _watch;

    private MgmtdServer(
        MgmtdConfig config, HostServices host, IKvEngine kv, bool ownsKv, WebHost web, ServiceSlot slot)
    {
        (_host, _kv, _ownsKv, _web, _slot) = (host, kv, ownsKv, web, slot);
        ImmutableArray<ServiceEndpoint> endpoints =
        [
            new(EndpointKind.Grpc, config.Host, web.GrpcPort),
            new(EndpointKind.Http, config.Host, web.HttpPort),
        ];
        var node = new NodeId(config.NodeId);
        var options = new MgmtdOptions(
            config.ClusterId, node, Environment.MachineName, Environment.ProcessId, endpoints)
        {
            Timing = config.Timing,
            AllowUnknownNodes = config.AllowUnknownNodes,
        };
        _service = new MgmtdService(options, kv, host.Time, host.NewRandom(), host.Logs);
        ImmutableArray<string> peers = config.Mgmtd.Length == 0 ? [$"{config.Host}:{web.GrpcPort}"] : [.. config.Mgmtd];
        _peers = new MgmtdClient(new MgmtdClientOptions(peers), host.Time);
        var heartbeats = new HeartbeatOptions(
            config.ClusterId, node, NodeKind.Mgmtd, options.HostName, options.ProcessId, endpoints);
        _heartbeats = new HeartbeatLoop(heartbeats, _peers, host.Time, host.Logs);

        slot.Service = _service;
        _service.Start();
        _heartbeats.Start();
        _watch = WatchAsync();
    }

    public int GrpcPort => _web.GrpcPort;
    public int HttpPort => _web.HttpPort;
    public bool IsPrimary => _service.IsPrimary;

    public static async Task<Result<MgmtdServer>> StartAsync(
        MgmtdConfig config, HostServices host, CancellationToken ct)
    {
        var valid = config.Validate();
        if (!valid.IsOk) return valid;
        var opened = await KvStores.OpenAsync(config.Kv, config.ClusterId, host, ct);
        if (!opened.TryGet(out var kv)) return opened.Status;
        var started = await StartAsync(config, host, kv, ownsKv: true, ct);
        if (!started.IsOk) await kv.DisposeAsync();
        return started;
    }

    /// <summary>The same on a store that the caller keeps.</summary>
    public static Task<Result<MgmtdServer>> StartAsync(
        MgmtdConfig config, HostServices host, IKvEngine kv, CancellationToken ct) =>
        config.Validate() is { IsOk: false } wrong
            ? Task.FromResult<Result<MgmtdServer>>(wrong)
            : StartAsync(config, host, kv, ownsKv: false, ct);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _heartbeats.DisposeAsync();
        _slot.Service = null;
        await _watch;
        await _service.DisposeAsync();
        await _web.DisposeAsync();
        _peers.Dispose();
        if (_ownsKv) await _kv.DisposeAsync();
        _stop.Dispose();
    }

    private static async Task<Result<MgmtdServer>> StartAsync(
        MgmtdConfig config, HostServices host, IKvEngine kv, bool ownsKv, CancellationToken ct)
    {
        var slot = new ServiceSlot();
        host.Health.NotReady("mgmtd", "starting");
        var web = await WebHost.StartAsync(
            host,
            new WebHostOptions(config.Host, config.GrpcPort, config.HttpPort),
            services =>
            {
                services.AddGrpc();
                services.AddSingleton(slot);
            },
            routes => routes.MapGrpcService<MgmtdGrpc>(),
            ct);
        if (!web.IsOk) return web.Status;
        var server = new MgmtdServer(config, host, kv, ownsKv, web.Value, slot);
        Log.Started(
            host.Logs.CreateLogger<MgmtdServer>(), config.NodeId, config.ClusterId,
            config.Host, server.GrpcPort, server.HttpPort, config.Kv);
        return server;
    }

    /// <summary>
    /// Reports readiness and figures; a broken loop ends the process, whose lease another one then takes.
    /// </summary>
    private async Task WatchAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            if (_service.IsPrimary || _heartbeats.HasLease) _host.Health.Ready("mgmtd");
            else _host.Health.NotReady("mgmtd", "no primary is known");
            Metrics.Fill(_service);
            var pause = Task.Delay(_healthInterval, _host.Time, _stop.Token);
            var ended = await Task.WhenAny(pause, _service.Completion);
            if (ended != _service.Completion || !_service.Completion.IsFaulted) continue;
            Log.LoopBroke(_host.Logs.CreateLogger<MgmtdServer>(), _service.Completion.Exception!);
            Environment.FailFast("a background loop of mgmtd broke", _service.Completion.Exception);
        }
    }
}
