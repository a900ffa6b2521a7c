using Grpc.Net.Client;
using Wire = ThreeFs.Protos.Mgmtd;

namespace ThreeFs.Client.Mgmtd;

/// <summary>One gRPC channel for each mgmtd address, opened when first needed. Thread-safe.</summary>
internal sealed class MgmtdChannels : IDisposable
{
    /// <summary>A routing snapshot of a large cluster must fit; gRPC's own default is 4 MiB.</summary>
    private const int MaxReplyBytes = 64 << 20;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, (GrpcChannel Channel, Wire.Mgmtd.MgmtdClient Client)> _channels = [];
    private bool _disposed;

    public Wire.Mgmtd.MgmtdClient Get(string address)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_channels.TryGetValue(address, out var open)) return open.Client;
            var channel = GrpcChannel.ForAddress($"http://{address}", Options());
            open = (channel, new Wire.Mgmtd.MgmtdClient(channel));
            _channels.Add(address, open);
            return open.Client;
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            if (_disposed) return;
            _disposed = true;
            foreach (var (channel, _) in _channels.Values) channel.Dispose();
            _channels.Clear();
        }
    }

    /// <summary>No proxy: the control plane is never behind one. Short reconnect pauses: a restarted mgmtd is found at once.</summary>
    private static GrpcChannelOptions Options() => new()
    {
        HttpHandler = new SocketsHttpHandler
        {
            UseProxy = false,
            ConnectTimeout = TimeSpan.FromSeconds(1),
            KeepAlivePingDelay = TimeSpan.FromSeconds(5),
            KeepAlivePingTimeout = TimeSpan.FromSeconds(5),
            EnableMultipleHttp2Connections = false,
        },
        DisposeHttpClient = true,
        MaxReceiveMessageSize = MaxReplyBytes,
        InitialReconnectBackoff = TimeSpan.FromMilliseconds(50),
        MaxReconnectBackoff = TimeSpan.FromMilliseconds(500),
    };
}
