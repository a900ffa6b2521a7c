using ThreeFs.Base;
using ThreeFs.Sim.World;
using ThreeFs.Transport;

namespace ThreeFs.Sim.Network;

/// <summary>
/// The wires between hosts: every message takes its time, in order within one stream; a cut holds messages back until it heals,
/// as a retransmitting network does; a slow link takes longer.
/// </summary>
internal sealed class SimNetwork(SimWorld world)
{
    private readonly Dictionary<(string From, string To), Wire> _wires = [];
    private readonly Dictionary<(string Host, int Port), SimListener> _listeners = [];

    private long _connections;

    /// <summary>Connections that are open or on their way, oldest first.</summary>
    public List<SimConnection> Connections { get; } = [];

    /// <summary>Nothing passes in this direction until it is healed.</summary>
    public void Cut(string from, string to) => Between(from, to).IsCut = true;

    public void Heal(string from, string to)
    {
        var wire = Between(from, to);
        wire.IsCut = false;
        foreach (var stream in wire.Held) stream.Release();
        wire.Held.Clear();
    }

    /// <summary>Every message takes so much longer.</summary>
    public void Slow(string from, string to, TimeSpan by) => Between(from, to).Extra = by;

    public void HealAll()
    {
        foreach (var (from, to) in _wires.Keys.ToArray())
        {
            Heal(from, to);
            Slow(from, to, TimeSpan.Zero);
        }
    }

    public long NextConnection() => ++_connections;

    public SimStream NewStream(string from, string to) => new(this, Between(from, to));

    public SimListener? ListenerAt(Endpoint endpoint) =>
        _listeners.TryGetValue((endpoint.Host, endpoint.Port), out var listener) && !listener.Process.IsDead ? listener : null;

    public bool TryListen(SimListener listener)
    {
        if (ListenerAt(listener.Endpoint) is not null) return false;
        _listeners[(listener.Endpoint.Host, listener.Endpoint.Port)] = listener;
        return true;
    }

    public void StopListening(SimListener listener) => _listeners.Remove((listener.Endpoint.Host, listener.Endpoint.Port));

    internal SimWorld World => world;

    private TimeSpan Latency(Wire wire)
    {
        var random = world.Random;
        var micros = random.Next(20, 150);
        if (random.NextBool(0.02)) micros += random.Next(200, 20_000);
        return TimeSpan.FromMicroseconds(micros) + wire.Extra;
    }

    private Wire Between(string from, string to)
    {
        if (!_wires.TryGetValue((from, to), out var wire)) _wires.Add((from, to), wire = new Wire());
        return wire;
    }

    internal sealed class Wire
    {
        public bool IsCut;
        public TimeSpan Extra;
        public List<SimStream> Held = [];
    }

    /// <summary>Messages in one direction of one connection, in order.</summary>
    internal sealed class SimStream(SimNetwork network, Wire wire)
    {
        private readonly Queue<(SimProcess? To, Action<object?> Arrive, object? State)> _held = new();
        private long _last;
        private bool _isDead;

        /// <summary>Messages under way are lost, and later ones too.</summary>
        public void Kill()
        {
            _isDead = true;
            _held.Clear();
        }

        /// <param name="to">Who gets it; nobody: the network itself.</param>
        public void Send(SimProcess? to, Action<object?> arrive, object? state)
        {
            if (_isDead) return;
            if (wire.IsCut || _held.Count > 0)
            {
                if (_held.Count == 0) wire.Held.Add(this);
                _held.Enqueue((to, arrive, state));
                return;
            }

            _last = Math.Max(_last, network.World.Now + network.Latency(wire).Ticks);
            network.World.At(_last, to, message =>
            {
                if (!_isDead) arrive(message);
            }, state);
        }

        public void Release()
        {
            var held = _held.ToArray();
            _held.Clear();
            foreach (var (to, arrive, state) in held) Send(to, arrive, state);
        }
    }
}
