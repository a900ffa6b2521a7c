using Microsoft.Extensions.Logging;
using ThreeFs.Base;
using ThreeFs.Client;
using ThreeFs.Client.Connections;
using ThreeFs.Client.Meta;
using ThreeFs.Client.Storage;
using ThreeFs.Contracts.Routing;
using ThreeFs.Fuse.Cluster;
using ThreeFs.Fuse.Mounting;
using ThreeFs.Fuse.Rings;
using ThreeFs.Fuse.Session;
using ThreeFs.Fuse.Virtual;
using ThreeFs.Hosting;
using ThreeFs.Hosting.Web;
using ThreeFs.Io;
using ThreeFs.Transport;
using ThreeFs.Transport.Rdma;

namespace ThreeFs.Fuse;

/// <summary>
/// A cluster mounted at a directory, served by this process. Ends with <see cref="DisposeAsync"/>, or by itself when
/// somebody unmounts it: <see cref="Completion"/>.
/// </summary>
public sealed class FuseMount : IAsyncDisposable
{
    private const string Part = "mount";
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan _watchInterval = TimeSpan.FromSeconds(1);

    private readonly MountConfig _config;
    private readonly HostServices _host;
    private readonly ILogger _log;
    private readonly List<Reactor> _reactors = [];
    private readonly RdmaMemory? _memory;
    private HostTransport? _transport;
    private ThreeFsClient? _client;
    private WebHost? _web;
    private IovRegistry? _registry;
    private ClusterFileSystem? _fileSystem;
    private FuseSession? _session;
    private readonly CancellationTokenSource _stop = new();
    private Task? _watch;

    private FuseMount(MountConfig config, HostServices host)
    {
        _config = config;
        _host = host;
        _log = host.Logs.CreateLogger<FuseMount>();
        _memory = HostTransport.MakeMemory(config.Transport);
    }

    /// <summary>The absolute path as it stands in /proc/mounts.</summary>
    public string MountPoint => _session!.MountPoint;

    public int HttpPort => _web!.HttpPort;

    /// <summary>Completes when the file system is no longer mounted, whoever unmounted it.</summary>
    public Task Completion => _session!.Completion;

    /// <summary>Connects to the cluster and mounts it. When this has succeeded, the mount answers.</summary>
    public static async Task<Result<FuseMount>> StartAsync(MountConfig config, HostServices host, CancellationToken ct)
    {
        var valid = config.Validate();
        if (!valid.IsOk) return valid;
        host.Health.NotReady(Part, "starting");
        var mount = new FuseMount(config, host);
        var status = await mount.RunAsync(ct);
        if (status.IsOk) return mount;
        await mount.DisposeAsync();
        return status;
    }

    /// <summary>Unmounts and ends what this client has open. Whatever still uses the mount gets errors.</summary>
    public async ValueTask DisposeAsync()
    {
        _host.Health.NotReady(Part, "stopping");
        await _stop.CancelAsync();
        if (_watch is not null) await _watch;
        if (_session is not null) await _session.DisposeAsync();
        _registry?.Dispose();
        if (_fileSystem is not null) await _fileSystem.DisposeAsync();
        if (_client is not null) await _client.DisposeAsync();
        if (_web is not null) await _web.DisposeAsync();
        if (_transport is not null) await _transport.DisposeAsync();
        foreach (var reactor in _reactors) await reactor.DisposeAsync();
        _stop.Dispose();
    }

    private async Task<Status> RunAsync(CancellationToken ct)
    {
        var prepared = Mounting.MountPoint.Prepare(_config.MountPoint, _log);
        if (!prepared.TryGet(out var path)) return prepared.Status;
        var status = StartReactors();
        if (!status.IsOk) return status;
        var web = await WebHost.StartAsync(_host, new WebHostOptions(_config.Host, null, _config.HttpPort), ct: ct);
        if (!web.TryGet(out _web)) return web.Status;
        status = await ConnectAsync(ct);
        if (!status.IsOk) return status;
        var context = new ClusterContext(
            _client!.Meta, new ClusterContents(_client.Contents), _client.Id, ClusterOptions(), _host.Time, _log);
        _fileSystem = new ClusterFileSystem(context);
        var root = await context.Meta.GetAttrAsync(context.Self(), InodeId.Root, ct);
        if (!root.IsOk)
            return new Status(root.Code,
                $"the root directory of cluster {_config.ClusterId} does not answer: {root.Status}");

        var world = new RingWorld(new RingFiles(context, _client.Storage), new BufferTable(), _host.Time, _log, _config.ReadOnly)
        {
            Memory = _memory,
            Reactor = _reactors[0],
        };
        var registry = IovRegistry.Start(world);
        if (!registry.TryGet(out _registry)) return registry.Status;
        var direct = _fileSystem.Direct;
        var fileSystem = new VirtualFileSystem(
            _fileSystem, direct, _registry, new ControlCalls(_config.ClusterId, path), new NameCalls(direct, _config.ReadOnly),
            new MountPaths(path), _log);
        var mounted = FuseSession.Start(path, fileSystem, SessionOptions(), _host.Time, _log);
        if (!mounted.TryGet(out _session)) return mounted.Status;
        _fileSystem.Start();
        _host.Health.Ready(Part);
        _ = ReportEndAsync(_session);
        _watch = WatchAsync(_client!);
        return Status.Ok;
    }

    /// <summary>Whether the cluster behind the mount can be worked with, and what the client library has counted.</summary>
    private async Task WatchAsync(ThreeFsClient client)
    {
        while (!_stop.IsCancellationRequested)
        {
            if (ClusterHealth.Trouble(client.Routing.Current, client.Routing.FailingFor) is { } trouble)
                _host.Health.NotReady(ClusterHealth.Part, trouble);
            else _host.Health.Ready(ClusterHealth.Part);
            Metrics.Client(client.Storage.Counters);
            await Task.WhenAny(Task.Delay(_watchInterval, _host.Time, _stop.Token));
        }
    }

    private Status StartReactors()
    {
        var count = _config.Reactors > 0 ? _config.Reactors : Math.Max(1, Environment.ProcessorCount / 4);
        for (var i = 0; i < count; i++)
        {
            var started = Reactor.Start($"mount-{i}");
            if (!started.TryGet(out var reactor)) return started.Status;
            _reactors.Add(reactor);
        }

        return Status.Ok;
    }

    private async Task<Status> ConnectAsync(CancellationToken ct)
    {
        var timeout = TimeSpan.FromMilliseconds(_config.OperationTimeoutMs);
        var options = new ClientOptions
        {
            Mgmtd = [.. _config.Mgmtd],
            ClusterId = _config.ClusterId,
            Description = $"mount at {_config.MountPoint}",
            ConnectTimeout = _patience,
            Connections = new ConnectionPoolOptions { PerEndpoint = _config.ConnectionsPerServer },
            Storage = new StorageClientOptions { Deadline = timeout, PreferHost = Environment.MachineName },
            Meta = new MetaClientOptions { Deadline = timeout, StorageDeadline = timeout },
        };
        var transport = HostTransport.Create(
            _reactors, _config.Transport, memory: _memory, notice: text => Log.TransportNotice(_log, text));
        if (!transport.TryGet(out _transport)) return transport.Status;
        Log.TransportNotice(_log, $"servers are reached over {_transport.Ways}");
        var connected = await ThreeFsClient.ConnectAsync(
            options, _transport, _host.Time, _host.NewRandom(), _host.Logs, ct);
        if (!connected.TryGet(out _client)) return connected.Status;
        using var limit = new CancellationTokenSource(_patience, _host.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, ct);
        var alive = await _client.Routing.WaitFor(HasMeta, either.Token);
        return alive.IsOk
            ? Status.Ok
            : new Status(StatusCode.Unavailable, $"cluster {_config.ClusterId} has no metadata server that is alive");
    }

    private static bool HasMeta(RoutingInfo routing) =>
        routing.Nodes.Values.Any(n => n is { Kind: NodeKind.Meta, IsActive: true });

    private ClusterOptions ClusterOptions() => new()
    {
        AttrTimeout = TimeSpan.FromMilliseconds(_config.AttrTimeoutMs),
        EntryTimeout = TimeSpan.FromMilliseconds(_config.EntryTimeoutMs),
        NegativeTimeout = TimeSpan.FromMilliseconds(_config.NegativeTimeoutMs),
        SyncInterval = TimeSpan.FromMilliseconds(_config.SyncIntervalMs),
        KeepOpenAfter = TimeSpan.FromMilliseconds(_config.KeepOpenAfterMs),
    };

    private FuseSessionOptions SessionOptions() => new()
    {
        Source = _config.ClusterId,
        Memory = _memory,
        AllowOther = _config.AllowOther,
        ReadOnly = _config.ReadOnly,
        Locks = _config.Locks == LockScope.Cluster,
        Deadline = TimeSpan.FromMilliseconds(_config.OperationTimeoutMs),
        Threads = _config.Threads > 0 ? _config.Threads : Math.Clamp(Environment.ProcessorCount, 2, 8),
    };

    private async Task ReportEndAsync(FuseSession session)
    {
        await session.Completion;
        _host.Health.NotReady(Part, $"{session.MountPoint} was unmounted");
    }
}
