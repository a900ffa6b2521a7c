using System.Diagnostics.CodeAnalysis;
using ThreeFs.Base;

namespace ThreeFs.Transport.InProc;

/// <summary>A name that can be connected to.</summary>
internal sealed class InProcListener(InProcTransport transport, Endpoint endpoint, IServerHandler handler) : IListener
{
    private readonly Lock _lock = new();
    private readonly List<InProcConnection> _connections = [];
    private bool _closed;

    public Endpoint Endpoint { get; } = endpoint;

    public IServerHandler Handler { get; } = handler;

    public RequestCounter Requests { get; } = new();

    public int Connections
    {
        get
        {
            lock (_lock) return _connections.Count;
        }
    }

    public int InFlight => Requests.Count;

    public bool TryAdmit(long id, [MaybeNullWhen(false)] out InProcConnection connection)
    {
        connection = null;
        lock (_lock)
        {
            if (_closed || Requests.IsDraining) return false;
            connection = new InProcConnection(transport, this, new ServerConnection(id, $"{Endpoint}#{id}"));
            _connections.Add(connection);
        }

        transport.Schedule(static state => ((InProcConnection)state!).Opened(), connection);
        return true;
    }

    public void Closed(InProcConnection connection)
    {
        lock (_lock) _connections.Remove(connection);
    }

    public ValueTask DrainAsync(TimeSpan grace)
    {
        Requests.StartDraining();
        return Requests.WaitAsync(grace, transport.Time);
    }

    public async ValueTask DisposeAsync()
    {
        InProcConnection[] open;
        lock (_lock)
        {
            _closed = true;
            open = [.. _connections];
        }

        Requests.StartDraining();
        transport.Remove(this);
        foreach (var connection in open)
            await connection.CloseAsync(new Status(StatusCode.ConnectionLost, $"connection to {Endpoint}: the peer closed"));
    }
}
