using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Client.Mgmtd;
using ThreeFs.Contracts.Mgmtd;
using ThreeFs.Contracts.Routing;
using ThreeFs.Hosting;
using ThreeFs.Hosting.Web;
using ThreeFs.Io;
using ThreeFs.Io.SharedMemory;
using ThreeFs.Storage.Server.Disks;
using ThreeFs.Storage.Server.Requests;
using ThreeFs.Storage.Recovery;
using ThreeFs.Storage.Targets;
using ThreeFs.Transport;
using ThreeFs.Transport.Rdma;

namespace ThreeFs.Storage.Server;

/// <summary>
/// A storage process: its disks, reactors and targets, the chunk service on the data port, metrics, and heartbeats to the
/// cluster manager. Ready while it holds the lease of the heartbeats; without it, it answers nobody.
/// </summary>
public sealed class StorageServer : IAsyncDisposable
{
    private static readonly TimeSpan _watchInterval = TimeSpan.FromMilliseconds(200);

    private readonly StorageConfig _config;
    private readonly HostServices _host;
    private readonly ILogger _log;
    private readonly List<DataDisk> _disks = [];
    private readonly List<DiskWatch> _diskWatches = [];
    private readonly List<Reactor> _reactors = [];
    private readonly HeartbeatLease _lease = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly SharedArena? _arena;
    private readonly RdmaMemory? _memory;
    private readonly BufferPool _clientBuffers;
    private readonly BufferPool _replicaBuffers;
    private readonly MgmtdClient _mgmtd;
    private readonly RoutingCache _routing;
    private TargetHost? _targets;
    private HostTransport? _transport;
    private IListener? _listener;
    private WebHost? _web;
    private HeartbeatLoop? _heartbeats;
    private Task? _watch;

    private StorageServer(StorageConfig config, HostServices host)
    {
        _config = config;
        _host = host;
        _log = host.Logs.CreateLogger<StorageServer>();
        _arena = MakeArena(config);
        _memory = HostTransport.MakeMemory(config.Transport);
        _clientBuffers = new BufferPool(config.BufferBytes, _arena, _memory);
        _replicaBuffers = new BufferPool(config.BufferBytes, _arena, _memory);
        _mgmtd = new MgmtdClient(new MgmtdClientOptions([.. config.Mgmtd]), host.Time);
        _routing = new RoutingCache(_mgmtd, config.ClusterId, host.Time, host.Logs);
    }

    /// <summary>Payloads lie where peers of this host can read them; null where nothing is shared.</summary>
    private static SharedArena? MakeArena(StorageConfig config)
    {
        if (config.Transport is TransportChoice.Tcp or TransportChoice.Rdma) return null;
        var limit = config.BufferBytes * 2L + TargetHost.PeerOptions.SharedBytes * (config.Reactors + 1);
        var made = SharedArena.Create("threefs-storage", limit);
        return made.TryGet(out var arena) ? arena : null;
    }

    public int DataPort => _listener!.Endpoint.Port;

    public int HttpPort => _web!.HttpPort;

    public ReplicaSet Replicas => _targets!.Replicas;

    /// <summary>Payload buffers that are out; 0 when nothing is under way.</summary>
    internal int OutstandingBuffers => _clientBuffers.Outstanding + _replicaBuffers.Outstanding;

    public static async Task<Result<StorageServer>> StartAsync(StorageConfig config, HostServices host, CancellationToken ct)
    {
        var valid = config.Validate();
        if (!valid.IsOk) return valid;
        var addresses = new MgmtdClientOptions([.. config.Mgmtd]).Validate();
        if (!addresses.IsOk) return addresses;
        host.Health.NotReady("storage", "starting");
        var server = new StorageServer(config, host);
        var status = await server.RunAsync(ct);
        if (status.IsOk) return server;
        await server.DisposeAsync();
        return status;
    }

    private async Task<Status> RunAsync(CancellationToken ct)
    {
        var status = OpenDisks();
        if (status.IsOk) status = StartReactors();
        if (!status.IsOk) return status;

        var observer = new ServerObserver(() => _heartbeats?.Kick(), replica => _diskWatches[replica.DiskIndex].Health.ReadFailed());
        var pace = new ResyncPace(_config.ResyncBytesPerSecond, _reactors[0].Time);
        // Before the targets' own, which are made the same way and cannot fail when this has not.
        var transport = HostTransport.Create(_reactors, _config.Transport, TargetHost.PeerOptions, _arena, _memory);
        if (!transport.TryGet(out _transport)) return transport.Status;
        Log.TransportNotice(_log, $"peers are reached over {_transport.Ways}");
        _targets = new TargetHost(
            _config, _disks, _reactors, _replicaBuffers, _arena, _memory, _routing, _lease, observer, pace, _host.Logs, _host.NewRandom());
        _diskWatches.AddRange(_disks.Select(d => new DiskWatch(d, _config, _targets, _host.Time, _log)));
        status = await _targets.OpenAllAsync();
        if (!status.IsOk) return status;

        var handler = new StorageHandler(Replicas, _clientBuffers, _replicaBuffers, _reactors[0].Time, _targets, pace, _arena);
        var listening = _transport.Listen(Endpoint.Tcp(_config.Host, _config.DataPort), handler);
        if (!listening.TryGet(out _listener!)) return listening.Status;
        var web = await WebHost.StartAsync(_host, new WebHostOptions(_config.Host, null, _config.HttpPort), ct: ct);
        if (!web.TryGet(out _web!)) return web.Status;

        var expected = new ExpectedTargets(new NodeId(_config.NodeId), Replicas, _log);
        _routing.Changed += expected.Compare;
        _routing.Changed += _ => Replicas.RoutingChanged(_routing);
        _routing.Start();
        StartHeartbeats();
        _watch = Vital(WatchAsync(), "the watch over disks and lease");
        Log.Started(_log, _config.NodeId, _config.ClusterId, _config.Host, DataPort, HttpPort, Replicas.All.Length, _disks.Count);
        return Status.Ok;
    }

    private Status OpenDisks()
    {
        for (var i = 0; i < _config.DataPaths.Length; i++)
        {
            var disk = DataDisk.Open(i, _config.DataPaths[i], _config.ClusterId, _config.NodeId);
            if (!disk.TryGet(out var opened)) return disk.Status;
            _disks.Add(opened);
        }

        return Status.Ok;
    }

    private Status StartReactors()
    {
        for (var i = 0; i < _config.Reactors; i++)
        {
            var reactor = Reactor.Start($"storage-{i}");
            if (!reactor.TryGet(out var started)) return reactor.Status;
            _reactors.Add(started);
        }

        return Status.Ok;
    }

    private void StartHeartbeats()
    {
        ImmutableArray<ServiceEndpoint> endpoints =
        [
            new(EndpointKind.Data, _config.Host, DataPort),
            new(EndpointKind.Http, _config.Host, HttpPort),
        ];
        var options = new HeartbeatOptions(
            _config.ClusterId, new NodeId(_config.NodeId), NodeKind.Storage, Environment.MachineName, Environment.ProcessId, endpoints)
        {
            Interval = _config.HeartbeatInterval,
            CollectTargets = CollectAsync,
            OnReply = reply =>
            {
                if (reply.Routing > _routing.Current.Version) _routing.RequestRefresh();
            },
        };
        _heartbeats = new HeartbeatLoop(options, _mgmtd, _host.Time, _host.Logs);
        _lease.Follow(_heartbeats);
        _heartbeats.Start();
        _ = Vital(_heartbeats.Completion, "the heartbeats");
    }

    private async ValueTask<ImmutableArray<LocalTarget>> CollectAsync()
    {
        var reports = await Replicas.ReportAsync();

        // Off the reactor: what follows is gRPC.
        await Task.Yield();
        return reports;
    }

    /// <summary>A server whose loop broke would look alive and never serve again: better a restart.</summary>
    private async Task Vital(Task loop, string what)
    {
        try
        {
            await loop;
        }
        catch (Exception e)
        {
            Log.LoopBroke(_log, what, e);
            Environment.FailFast($"{what} broke", e);
        }
    }

    /// <summary>Readiness and the figures that change with time.</summary>
    private async Task WatchAsync()
    {
        var held = false;
        while (!_stop.IsCancellationRequested)
        {
            // Without the routing that its lease began with it serves nobody either.
            var holds = _lease.IsHeld && _routing.Current.Version >= _lease.Routing;
            if (holds) _host.Health.Ready("storage");
            else _host.Health.NotReady("storage", "mgmtd has not answered for longer than the lease");
            if (held != holds)
            {
                held = !held;
                if (held) Log.LeaseHeld(_log);
                else Log.LeaseLost(_log);
            }

            Metrics.HasLease.Set(held ? 1 : 0);
            foreach (var watch in _diskWatches) watch.Judge();
            foreach (var space in _targets!.GetSpace()) Metrics.Disk(space);
            foreach (var replica in Replicas.All) Metrics.Progress(replica);
            await Task.WhenAny(Task.Delay(_watchInterval, _host.Time, _stop.Token));
        }
    }

    /// <summary>
    /// Refuses requests, tells mgmtd, waits a little for what is under way, and closes the targets. What does not end in time is left
    /// as after a crash.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        if (_targets is not null) await _targets.StopServingAsync();
        if (_heartbeats is not null) await SayGoodbyeAsync(_heartbeats);
        if (_listener is not null)
        {
            await _listener.DrainAsync(_config.DrainTime);
            await _listener.DisposeAsync();
        }

        if (_watch is not null) await _watch;
        await _routing.DisposeAsync();
        if (_targets is not null) await _targets.DisposeAsync();
        if (_web is not null) await _web.DisposeAsync();
        if (_transport is not null) await _transport.DisposeAsync();
        foreach (var reactor in _reactors) await reactor.DisposeAsync();
        _mgmtd.Dispose();
        foreach (var watch in _diskWatches) watch.Dispose();
        foreach (var disk in _disks) disk.Dispose();
        _clientBuffers.Dispose();
        _replicaBuffers.Dispose();

        // What did not end in time may still hold a buffer: then its memory stays with the process.
        if (OutstandingBuffers == 0) _arena?.Dispose();
        _stop.Dispose();
    }

    /// <summary>One last heartbeat, so that mgmtd need not wait until this node is overdue.</summary>
    private async ValueTask SayGoodbyeAsync(HeartbeatLoop heartbeats)
    {
        var before = heartbeats.Accepted;
        heartbeats.Kick();
        for (var i = 0; i < 20 && heartbeats.Accepted < before + 2; i++)
            await Task.Delay(TimeSpan.FromMilliseconds(25), _host.Time);
        await heartbeats.DisposeAsync();
    }
}
