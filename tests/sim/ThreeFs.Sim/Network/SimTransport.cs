using ThreeFs.Base;
using ThreeFs.Sim.World;
using ThreeFs.Transport;

namespace ThreeFs.Sim.Network;

/// <summary>The data plane of one process: the transport contract over the simulated network.</summary>
internal sealed class SimTransport(SimNetwork network, SimProcess process) : ITransport
{
    public const string SimScheme = "sim";

    public string Scheme => SimScheme;

    public ValueTask<Result<IConnection>> ConnectAsync(Endpoint endpoint, CancellationToken ct = default)
    {
        var attempt = new Attempt(network, process, endpoint);
        return attempt.RunAsync(ct);
    }

    public Result<IListener> Listen(Endpoint endpoint, IServerHandler handler)
    {
        var listener = new SimListener(network, process, endpoint with { Scheme = SimScheme }, handler);
        return network.TryListen(listener) ? listener : new Status(StatusCode.Busy, $"listen on {endpoint}: already in use");
    }

    /// <summary>The handshake: one message there, one back.</summary>
    private sealed class Attempt(SimNetwork network, SimProcess process, Endpoint endpoint)
    {
        private readonly TaskCompletionSource<Result<IConnection>> _done = new();
        private readonly SimNetwork.SimStream _there = network.NewStream(process.Host.Name, endpoint.Host);
        private readonly SimNetwork.SimStream _back = network.NewStream(endpoint.Host, process.Host.Name);

        public async ValueTask<Result<IConnection>> RunAsync(CancellationToken ct)
        {
            _there.Send(null, _ => Arrive(), null);
            using var giveUp = ct.UnsafeRegister(
                _ => _done.TrySetResult(new Status(StatusCode.Cancelled, $"connect to {endpoint}")), null);
            return await _done.Task;
        }

        private void Arrive()
        {
            if (network.ListenerAt(endpoint) is not { } listener || listener.IsClosed)
            {
                _back.Send(process, _ => _done.TrySetResult(new Status(StatusCode.ConnectFailed, $"connect to {endpoint}: refused")), null);
                return;
            }

            var connection = new SimConnection(network, process, listener, _there, _back);
            listener.Process.Enter(_ => listener.Handler.ConnectionOpened(connection.Peer), null);
            _back.Send(process, _ =>
            {
                if (!_done.TrySetResult(connection)) connection.Reset("nobody waits for it");
            }, null);
        }
    }
}

/// <summary>A server's open door.</summary>
internal sealed class SimListener(SimNetwork network, SimProcess process, Endpoint endpoint, IServerHandler handler) : IListener
{
    public Endpoint Endpoint { get; } = endpoint;

    public SimProcess Process { get; } = process;

    public IServerHandler Handler { get; } = handler;

    public bool IsClosed { get; private set; }

    public int Connections => network.Connections.Count(c => c.Listener == this);

    public int InFlight { get; set; }

    public ValueTask DrainAsync(TimeSpan grace) => default;

    public ValueTask DisposeAsync()
    {
        IsClosed = true;
        network.StopListening(this);
        return default;
    }
}
