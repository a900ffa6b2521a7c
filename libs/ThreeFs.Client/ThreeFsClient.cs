using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using ThreeFs.Base;
using ThreeFs.Client.Connections;
using ThreeFs.Client.Files;
using ThreeFs.Client.Meta;
using ThreeFs.Client.Mgmtd;
using ThreeFs.Client.Storage;
using ThreeFs.Contracts.Meta;
using ThreeFs.Contracts.Mgmtd;
using ThreeFs.Transport;

namespace ThreeFs.Client;

/// <summary>
/// A client process's connection to a cluster: routing that stays current, metadata, chunks, files, and the session
/// that keeps what it has open alive. Parts are shared by everybody in the process; disposing ends all of them (not the
/// transport).
/// </summary>
public sealed class ThreeFsClient : IAsyncDisposable
{
    private readonly MetaClient _meta;
    private readonly SessionLoop _session;
    private readonly MgmtdClient _mgmtd;

    private ThreeFsClient(ClientOptions options, ITransport transport, TimeProvider time, SeededRandom random,
        ILoggerFactory logs)
    {
        Id = new ClientId(random.NextGuid());
        _mgmtd = new MgmtdClient(new MgmtdClientOptions(options.Mgmtd), time);
        Routing = new RoutingCache(_mgmtd, options.ClusterId, time, logs, options.Routing);
        Connections = new ConnectionPool(transport, options.Connections, time, random.Fork());
        Storage = new StorageClient(Connections, Routing, options.Storage, Id, time, random.Fork(), logs);
        Chunks = new FileChunks(Storage, Routing, time);
        _meta = new MetaClient(transport, Routing, options.Meta, time, random.Fork());
        Contents = new FileContents(Storage, Routing, time);
        Files = new FileSystemClient(_meta, Contents, Id, options.Files, time, random.Fork(), logs);
        var started = time.GetUtcNow();
        var session =
            new ClientSession(Id, options.HostName, options.Description, Environment.ProcessId, started, started);
        _session = new SessionLoop(session, options.ClusterId, _mgmtd, time, logs);
    }

    /// <summary>This process; fresh each time.</summary>
    public ClientId Id { get; }

    public IMgmtdService Mgmtd => _mgmtd;
    public RoutingCache Routing { get; }
    public ConnectionPool Connections { get; }
    public StorageClient Storage { get; }
    public FileChunks Chunks { get; }
    public IMetaService Meta => _meta;
    public FileContents Contents { get; }
    public FileSystemClient Files { get; }

    /// <summary>
    /// Connects to a cluster and waits for its routing. Fails with <see cref="StatusCode.InvalidArgument"/> (an option,
    /// named),
    /// <see cref="StatusCode.RoutingNotReady"/> (no mgmtd answered in time) or <see cref="StatusCode.Cancelled"/>.
    /// </summary>
    /// <param name="random">Seeded freshly for each process: the client's identity comes from it.</param>
    public static async Task<Result<ThreeFsClient>> ConnectAsync(
        ClientOptions options,
        ITransport transport,
        TimeProvider time,
        SeededRandom random,
        ILoggerFactory? logs = null,
        CancellationToken ct = default)
    {
        var valid = options.Validate();
        if (!valid.IsOk) return valid;
        var client = new ThreeFsClient(options, transport, time, random, logs ?? NullLoggerFactory.Instance);
        client.Routing.Start();
        using var timeout = new CancellationTokenSource(options.ConnectTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, ct);
        var ready = await client.Routing.WaitFor(routing => routing.Version.Value != 0, either.Token);
        if (!ready.IsOk)
        {
            await client.DisposeAsync();
            return ct.IsCancellationRequested
                ? new Status(StatusCode.Cancelled, "connecting was given up")
                : new Status(StatusCode.RoutingNotReady,
                    $"no cluster manager of cluster \"{options.ClusterId}\" answered at "
                    + $"{string.Join(", ", options.Mgmtd)} "
                    + $"in {options.ConnectTimeout.TotalSeconds:0} s");
        }

        client._session.Start();
        client.Files.Start();
        return client;
    }

    public async ValueTask DisposeAsync()
    {
        await Files.DisposeAsync();
        await _session.DisposeAsync();
        await _meta.DisposeAsync();
        await Routing.DisposeAsync();
        await Connections.DisposeAsync();
        _mgmtd.Dispose();
    }
}
