using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using ThreeFs.Base;
using ThreeFs.Io;
using ThreeFs.Io.SharedMemory;
using ThreeFs.Transport.SharedMemory;
using ThreeFs.Transport.Tcp;

namespace ThreeFs.Transport;

/// <summary>How peers are reached; the configuration key "transport" of every process.</summary>
public enum TransportChoice
{
    /// <summary>Shared memory where the peer offers it, else TCP.</summary>
    Auto,
    /// <summary>Shared memory only: peers of other hosts, networks and users cannot be reached.</summary>
    Shm,
    /// <summary>TCP only, which passes through the network and its filters; nothing is shared with anybody.</summary>
    Tcp,
}

/// <summary>
/// The transport of a process: addresses are TCP's, and peers of the same host are found to be that and spoken to
/// over shared memory. Every
/// connection is negotiated anew, so the way changes when one dies.
/// </summary>
public sealed class HostTransport : ITransport, IDisposable, IAsyncDisposable
{
    /// <summary>A server of this host that is slower to share memory than this is spoken to over TCP.</summary>
    private static readonly TimeSpan _patience = TimeSpan.FromMilliseconds(500);

    private readonly ConcurrentDictionary<Endpoint, string> _reported = new();
    private readonly TcpTransport _tcp;
    private readonly SharedMemoryTransport? _shared;
    private readonly TransportChoice _choice;
    private readonly Action<Endpoint, string>? _fellBack;

    private HostTransport(TcpTransport tcp, SharedMemoryTransport? shared, TransportChoice choice, Action<Endpoint, string>? fellBack) =>
        (_tcp, _shared, _choice, _fellBack) = (tcp, shared, choice, fellBack);

    public string Scheme => Endpoint.TcpScheme;

    /// <summary>Fails only when shared memory is insisted on and the system has none.</summary>
    /// <param name="arena">See <see cref="SharedMemoryTransport.Create"/>.</param>
    /// <param name="fellBack">
    /// Told once for each reason why a server of this host is spoken to over TCP. Any thread.
    /// </param>
    public static Result<HostTransport> Create(
        IReadOnlyList<Reactor> reactors, TransportChoice choice, TransportOptions? options = null, SharedArena? arena = null,
        Action<Endpoint, string>? fellBack = null)
    {
        options ??= new TransportOptions();
        var tcp = new TcpTransport(reactors, options);
        if (choice == TransportChoice.Tcp) return new HostTransport(tcp, null, choice, fellBack);
        var shared = SharedMemoryTransport.Create(reactors, options with { ConnectTimeout = _patience }, arena);
        if (!shared.IsOk && choice == TransportChoice.Shm) return shared.Status;
        return new HostTransport(tcp, shared.IsOk ? shared.Value : null, choice, fellBack);
    }

    public ValueTask<Result<IConnection>> ConnectAsync(Endpoint endpoint, CancellationToken ct = default) =>
        _shared is null || endpoint.Scheme != Scheme ? _tcp.ConnectAsync(endpoint, ct) : NegotiateAsync(endpoint, ct);

    private async ValueTask<Result<IConnection>> NegotiateAsync(Endpoint endpoint, CancellationToken ct)
    {
        var shared = await _shared!.ConnectAsync(Shared(endpoint), ct);
        if (shared.IsOk || ct.IsCancellationRequested) return shared;
        if (_choice == TransportChoice.Shm) return new Status(StatusCode.ConnectFailed, shared.Status.Message);
        if (_fellBack is not null) Report(endpoint, shared.Status);
        return await _tcp.ConnectAsync(endpoint, ct);
    }

    private void Report(Endpoint endpoint, in Status status)
    {
        var why = status.Message ?? status.Code.ToString();
        if (_reported.TryGetValue(endpoint, out var before) && before == why) return;
        _reported[endpoint] = why;
        if (IsOfThisHost(endpoint)) _fellBack!(endpoint, why);
    }

    /// <summary>Only own addresses can be bound.</summary>
    private static bool IsOfThisHost(Endpoint endpoint)
    {
        if (!IPAddress.TryParse(endpoint.Host, out var address)) return false;
        try
        {
            using var socket = new Socket(address.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
            socket.Bind(new IPEndPoint(address, 0));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static Endpoint Shared(Endpoint endpoint) => endpoint with { Scheme = SharedMemoryTransport.SharedScheme };

    /// <summary>
    /// As <see cref="ITransport.Listen"/>; a server that offers shared memory has its address there alone, or does
    /// not start.
    /// </summary>
    public Result<IListener> Listen(Endpoint endpoint, IServerHandler handler)
    {
        var tcp = _tcp.Listen(endpoint, handler);
        if (_shared is null || !tcp.TryGet(out var port)) return tcp;
        var shared = _shared.Listen(Shared(port.Endpoint), handler);
        if (shared.TryGet(out var door)) return new TwoDoors(port, door);
        _ = port.DisposeAsync();
        return shared.Status;
    }

    /// <summary>Frees the memory; its connections and listeners are disposed.</summary>
    public void Dispose() => _shared?.Dispose();

    public ValueTask DisposeAsync()
    {
        Dispose();
        return default;
    }

    /// <summary>A TCP port and its socket for peers of this host, as one listener.</summary>
    private sealed class TwoDoors(IListener tcp, IListener shared) : IListener
    {
        public Endpoint Endpoint => tcp.Endpoint;

        public int Connections => tcp.Connections + shared.Connections;

        public int InFlight => tcp.InFlight + shared.InFlight;

        public async ValueTask DrainAsync(TimeSpan grace)
        {
            var first = tcp.DrainAsync(grace);
            await shared.DrainAsync(grace);
            await first;
        }

        public async ValueTask DisposeAsync()
        {
            await tcp.DisposeAsync();
            await shared.DisposeAsync();
        }
    }
}
