using System.Collections.Concurrent;
using ThreeFs.Base;
using ThreeFs.Contracts.Routing;
using ThreeFs.Transport;

namespace ThreeFs.Client.Connections;

/// <summary>
/// The connections of a process, shared by everybody in it: one <see cref="Peer"/> for each endpoint, made when first
/// asked for and kept, because servers are few and come back. Thread-safe. Disposing closes every connection.
/// </summary>
public sealed class ConnectionPool : IAsyncDisposable
{
    private readonly ConcurrentDictionary<Endpoint, Peer> _peers = new();
    private readonly Func<Endpoint, Peer> _make;
    private readonly ITransport _transport;
    private volatile bool _disposed;

    public ConnectionPool(ITransport transport, ConnectionPoolOptions options, TimeProvider time, SeededRandom random)
    {
        _transport = transport;
        _make = endpoint =>
        {
            lock (random) return new Peer(endpoint, transport, options, time, random.Fork());
        };
    }

    /// <summary>The peer at an endpoint; hold on to it on hot paths.</summary>
    public Peer Peer(Endpoint endpoint)
    {
        var peer = _peers.GetOrAdd(endpoint, _make);
        if (_disposed) peer.Close();
        return peer;
    }

    /// <summary>The peer behind a node's data endpoint, or null when the node announces none.</summary>
    public Peer? Peer(NodeInfo node) =>
        node.Endpoint(EndpointKind.Data) is { } data
            ? Peer(new Endpoint(_transport.Scheme, data.Host, data.Port))
            : null;

    /// <summary>See <see cref="Connections.Peer.GetAsync"/>.</summary>
    public ValueTask<Result<IConnection>> GetAsync(Endpoint endpoint, CancellationToken ct = default) =>
        Peer(endpoint).GetAsync(ct);

    public async ValueTask DisposeAsync()
    {
        _disposed = true;
        foreach (var peer in _peers.Values) await peer.DisposeAsync();
    }
}
