using System.Collections.Immutable;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using ThreeFs.Base;
using ThreeFs.Client.Mgmtd;
using ThreeFs.Contracts.Routing;
using ThreeFs.Hosting;
using ThreeFs.Hosting.Web;
using ThreeFs.Io;
using ThreeFs.Kv;
using ThreeFs.Meta.Server.Wire;
using ThreeFs.Transport;

namespace ThreeFs.Meta.Server;

/// <summary>
/// A metadata server process: the service on its store, reachable by frames and by gRPC, announced to the cluster manager, with the
/// background work every server does its part of. Ready once it serves and has seen the cluster's routing. Stopping takes no new
/// requests and answers those it has.
/// </summary>
public sealed class MetaServer : IAsyncDisposable
{
    private const string Part = "meta";
    private static readonly TimeSpan _drainTime = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan _healthInterval = TimeSpan.FromMilliseconds(100);

    private readonly HostServices _host;
    private readonly MetaConfig _config;
    private readonly ILogger _log;

    /// <summary>What was started, in order; stopped in reverse.</summary>
    private readonly Stack<IAsyncDisposable> _parts = new();
    private readonly CancellationTokenSource _stop = new();

    /// <summary>Ends requests that outlast the drain; until then they are answered.</summary>
    private readonly CancellationTokenSource _abandon = new();
    private MetaFrameHandler _frames = null!;
    private IListener _listener = null!;
    private WebHost _web = null!;
    private ClusterView _cluster = null!;
    private Task _watch = Task.CompletedTask;

    private MetaServer(MetaConfig config, HostServices host)
    {
        _config = config;
        _host = host;
        _log = host.Logs.CreateLogger<MetaServer>();
    }

    public int DataPort => _listener.Endpoint.Port;
    public int GrpcPort => _web.GrpcPort;
    public int HttpPort => _web.HttpPort;

    public static async Task<Result<MetaServer>> StartAsync(MetaConfig config, HostServices host, CancellationToken ct)
    {
        var valid = config.Validate();
        if (!valid.IsOk) return valid;
        var addresses = new MgmtdClientOptions([.. config.Mgmtd]).Validate();
        if (!addresses.IsOk) return addresses;
        var server = new MetaServer(config, host);
        var started = await server.StartPartsAsync(ct);
        if (started.IsOk) return server;
        await server.DisposeAsync();
        return started;
    }

    public async ValueTask DisposeAsync()
    {
        _host.Health.NotReady(Part, "stopping");
        await _stop.CancelAsync();
        await _watch;
        if (_listener is not null) await _listener.DrainAsync(_drainTime);
        await _abandon.CancelAsync();
        while (_parts.TryPop(out var part)) await part.DisposeAsync();
        _frames?.Dispose();
        _stop.Dispose();
        _abandon.Dispose();
        _log.Stopped(new NodeId(_config.NodeId));
    }

    private async Task<Status> StartPartsAsync(CancellationToken ct)
    {
        _host.Health.NotReady(Part, "starting");
        var store = await KvStores.OpenAsync(_config.Kv, _config.ClusterId, _host, ct);
        if (!store.TryGet(out var engine)) return store.Status;
        _parts.Push(engine);
        var reactor = Reactor.Start($"{_host.ProcessName}-reactor");
        if (!reactor.IsOk) return reactor.Status;
        _parts.Push(reactor.Value);
        var options = new TransportOptions { HandlerFailed = (connection, e) => _log.HandlerFailed(connection.ToString(), e) };
        var opened = HostTransport.Create(
            [reactor.Value], _config.Transport, options, notice: _log.TransportNotice);
        if (!opened.TryGet(out var transport)) return opened.Status;
        _parts.Push(transport);
        _cluster = new ClusterView(_config, _host, transport);
        _parts.Push(_cluster);

        var service = CreateService(engine);
        var initialized = await service.InitializeAsync(ct);
        if (!initialized.IsOk) return initialized;
        var status = await OpenDoorsAsync(service, transport, ct);
        if (!status.IsOk) return status;

        _cluster.Routing.Start();
        Push(StartHeartbeats());
        Push(new BackgroundJobs(service, _config, _cluster.Mgmtd, _host.Time, _host.NewRandom(), _log));
        _watch = WatchAsync();
        _log.Started(new NodeId(_config.NodeId), _listener.Endpoint.ToString(), GrpcPort, HttpPort);
        return Status.Ok;
    }

    private MetaService CreateService(IKvEngine engine) => new(
        engine,
        _cluster.Chunks,
        _cluster.Routing,
        new MetaServiceOptions
        {
            RootLayout = _config.RootLayout(),
            Durability = _config.Durability == MetaDurability.Flush ? KvDurability.Durable : KvDurability.Relaxed,
            GarbageDelay = _config.GcDelay,
            StoragePatience = _config.StorageDeadline,
        },
        _host.Time,
        _host.NewRandom(),
        new Metrics());

    private async Task<Status> OpenDoorsAsync(MetaService service, ITransport transport, CancellationToken ct)
    {
        var dispatcher = new MetaDispatcher(service);
        _frames = new MetaFrameHandler(dispatcher, _config.MaxInFlight, _abandon.Token);
        var listener = transport.Listen(Endpoint.Tcp(_config.Host, _config.DataPort), _frames);
        if (!listener.IsOk) return new Status(listener.Code, $"data_port = {_config.DataPort}: {listener.Status.Message}");
        _listener = listener.Value;
        _parts.Push(_listener);
        var web = await WebHost.StartAsync(
            _host,
            new WebHostOptions(_config.Host, _config.GrpcPort, _config.HttpPort),
            services =>
            {
                services.AddGrpc();
                services.AddSingleton(dispatcher);
            },
            routes => routes.MapGrpcService<MetaGrpcService>(),
            ct);
        if (!web.IsOk) return web.Status;
        _web = web.Value;
        _parts.Push(_web);
        return Status.Ok;
    }

    private HeartbeatLoop StartHeartbeats()
    {
        ImmutableArray<ServiceEndpoint> endpoints =
        [
            new(EndpointKind.Data, _config.Host, DataPort),
            new(EndpointKind.Grpc, _config.Host, GrpcPort),
            new(EndpointKind.Http, _config.Host, HttpPort),
        ];
        var options = new HeartbeatOptions(
            _config.ClusterId, new NodeId(_config.NodeId), NodeKind.Meta, Environment.MachineName, Environment.ProcessId, endpoints)
        {
            OnReply = reply =>
            {
                if (reply.Routing > _cluster.Routing.Current.Version) _cluster.Routing.RequestRefresh();
            },
        };
        var heartbeats = new HeartbeatLoop(options, _cluster.Mgmtd, _host.Time, _host.Logs);
        heartbeats.Start();
        return heartbeats;
    }

    private async Task WatchAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            if (_cluster.Routing.Current.Version.Value != 0) _host.Health.Ready(Part);
            else _host.Health.NotReady(Part, $"no routing yet from the cluster managers ({string.Join(", ", _config.Mgmtd)})");
            Metrics.InFlight.Set(_frames.InFlight);
            try
            {
                await Task.Delay(_healthInterval, _host.Time, _stop.Token);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private void Push(IAsyncDisposable part) => _parts.Push(part);
}
