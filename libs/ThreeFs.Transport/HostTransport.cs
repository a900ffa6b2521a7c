using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using ThreeFs.Base;
using ThreeFs.Io;
using ThreeFs.Io.SharedMemory;
using ThreeFs.Transport.Rdma;
using ThreeFs.Transport.SharedMemory;
using ThreeFs.Transport.Tcp;

namespace ThreeFs.Transport;

/// <summary>How peers are reached; the configuration key "transport" of every process.</summary>
public enum TransportChoice
{
    /// <summary>The best that both sides can: shared memory on one host, RDMA, else TCP.</summary>
    Auto,
    /// <summary>Shared memory only: peers of other hosts, networks and users cannot be reached.</summary>
    Shm,
    /// <summary>TCP only, which passes through the network and its filters; nothing is shared with anybody.</summary>
    Tcp,
    /// <summary>RDMA only: peers that do not offer it cannot be reached.</summary>
    Rdma,
}

/// <summary>
/// The transport of a process: addresses are TCP's. Peers of the same host are found to be that and spoken to over shared
/// memory; other peers are asked over TCP whether they offer RDMA. Every connection is negotiated anew, so the way changes
/// when one dies.
/// </summary>
public sealed class HostTransport : ITransport, IAsyncDisposable
{
    /// <summary>A server that is slower than this to be reached in a better way is spoken to over TCP.</summary>
    private static readonly TimeSpan _patience = TimeSpan.FromMilliseconds(500);

    private readonly ConcurrentDictionary<Endpoint, string> _reported = new();
    private readonly TcpTransport _tcp;
    private readonly SharedMemoryTransport? _shared;
    private readonly RdmaTransport? _rdma;
    private readonly TransportChoice _choice;
    private readonly Action<string>? _notice;

    private HostTransport(
        TcpTransport tcp, SharedMemoryTransport? shared, RdmaTransport? rdma, TransportChoice choice, Action<string>? notice) =>
        (_tcp, _shared, _rdma, _choice, _notice) = (tcp, shared, rdma, choice, notice);

    public string Scheme => Endpoint.TcpScheme;

    /// <summary>
    /// Memory that the process's adapters may reach, to be told of its buffers. Null where nothing is to be told: no adapter,
    /// or RDMA is not wanted.
    /// </summary>
    public static RdmaMemory? MakeMemory(TransportChoice choice) =>
        choice is TransportChoice.Auto or TransportChoice.Rdma && RdmaTransport.IsAvailable ? new RdmaMemory() : null;

    /// <summary>Fails only when a way is insisted on that this machine does not have.</summary>
    /// <param name="reactors">Whose threads serve the connections.</param>
    /// <param name="choice">What may be used.</param>
    /// <param name="options">The same for every way.</param>
    /// <param name="arena">See <see cref="SharedMemoryTransport.Create"/>.</param>
    /// <param name="memory">See <see cref="MakeMemory"/>; without it RDMA copies payloads.</param>
    /// <param name="notice">
    /// Told in a sentence, once for each reason, why a server is not reached in a better way that it seemed to offer. Any
    /// thread.
    /// </param>
    public static Result<HostTransport> Create(
        IReadOnlyList<Reactor> reactors, TransportChoice choice, TransportOptions? options = null, SharedArena? arena = null,
        RdmaMemory? memory = null, Action<string>? notice = null)
    {
        options ??= new TransportOptions();
        var tcp = new TcpTransport(reactors, options);
        SharedMemoryTransport? shared = null;
        RdmaTransport? rdma = null;
        if (choice is TransportChoice.Auto or TransportChoice.Shm)
        {
            var made = SharedMemoryTransport.Create(reactors, options with { ConnectTimeout = _patience }, arena);
            if (!made.TryGet(out shared) && choice == TransportChoice.Shm) return made.Status;
        }

        if (choice is TransportChoice.Auto or TransportChoice.Rdma)
        {
            rdma = RdmaTransport.TryOpen(reactors, memory ?? new RdmaMemory(), options);
            if (rdma is null && choice == TransportChoice.Rdma)
                return new Status(StatusCode.NotSupported, "transport = \"rdma\": this machine has no RDMA adapter that can be used");
        }

        return new HostTransport(tcp, shared, rdma, choice, notice);
    }

    /// <summary>The ways it has, best first, for a log line.</summary>
    public string Ways => (_shared is null ? "" : "shared memory on this host, ")
        + (_rdma is null ? "" : $"RDMA over {_rdma.Devices}, ")
        + (_choice is TransportChoice.Shm or TransportChoice.Rdma ? "nothing else" : "TCP");

    public ValueTask<Result<IConnection>> ConnectAsync(Endpoint endpoint, CancellationToken ct = default) =>
        (_shared is null && _rdma is null) || endpoint.Scheme != Scheme
            ? _tcp.ConnectAsync(endpoint, ct)
            : NegotiateAsync(endpoint, ct);

    private async ValueTask<Result<IConnection>> NegotiateAsync(Endpoint endpoint, CancellationToken ct)
    {
        if (_shared is not null)
        {
            var shared = await _shared.ConnectAsync(Shared(endpoint), ct);
            if (shared.IsOk || ct.IsCancellationRequested) return shared;
            if (_choice == TransportChoice.Shm) return new Status(StatusCode.ConnectFailed, shared.Status.Message);
            if (_notice is not null && IsNew(endpoint, shared.Status) && IsOfThisHost(endpoint))
                _notice($"{endpoint} is on this host and no memory is shared with it: {shared.Status.Message}");
        }

        var tcp = await _tcp.ConnectAsync(endpoint, ct);
        return _rdma is not null && tcp.TryGet(out var plain) ? await UpgradeAsync(endpoint, plain, ct) : tcp;
    }

    /// <summary>The same server over RDMA where both have it, instead of a connection that is there.</summary>
    private async ValueTask<Result<IConnection>> UpgradeAsync(Endpoint endpoint, IConnection plain, CancellationToken ct)
    {
        var port = await TransportOffers.AskRdmaPortAsync(plain, ct);
        if (port == 0)
        {
            if (_choice != TransportChoice.Rdma) return Result<IConnection>.Of(plain);
            await plain.DisposeAsync();
            return new Status(StatusCode.ConnectFailed, $"{endpoint} offers no RDMA, and transport = \"rdma\" allows nothing else");
        }

        // In its own time: a filter that drops the set-up, or RDMA's packets, must not cost a connection that works.
        using var limit = new CancellationTokenSource();
        if (_choice != TransportChoice.Rdma) limit.CancelAfter(_patience);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, ct);
        var better = await _rdma!.ConnectAsync(new Endpoint(RdmaTransport.RdmaScheme, endpoint.Host, port), either.Token);
        var status = better.TryGet(out var fast) ? await TransportOffers.ProveAsync(fast, either.Token) : better.Status;
        if (status.IsOk)
        {
            await plain.DisposeAsync();
            return better;
        }

        if (fast is not null) await fast.DisposeAsync();
        if (_choice != TransportChoice.Rdma)
        {
            if (_notice is not null && !ct.IsCancellationRequested && IsNew(endpoint, status))
                _notice($"{endpoint} offers RDMA and is not reached over it: {status.Message ?? status.Code.ToString()}");
            return Result<IConnection>.Of(plain);
        }

        await plain.DisposeAsync();
        return new Status(StatusCode.ConnectFailed, $"{endpoint} over RDMA: {status.Message ?? status.Code.ToString()}");
    }

    private bool IsNew(Endpoint endpoint, in Status status)
    {
        var why = status.Message ?? status.Code.ToString();
        if (_reported.TryGetValue(endpoint, out var before) && before == why) return false;
        _reported[endpoint] = why;
        return true;
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
        var doors = new List<IListener>();
        var rdma = _rdma?.Listen(new Endpoint(RdmaTransport.RdmaScheme, endpoint.Host, 0), new TransportOffers(handler, 0));
        if (rdma is { IsOk: true }) doors.Add(rdma.Value.Value);
        else if (rdma is { } failed && _choice == TransportChoice.Rdma) return failed.Status;
        var port = doors.Count == 0 ? 0 : doors[0].Endpoint.Port;
        var tcp = _tcp.Listen(endpoint, port == 0 ? handler : new TransportOffers(handler, port));
        if (!tcp.TryGet(out var first)) return Closed(tcp.Status);
        doors.Insert(0, first);
        if (_shared is null) return new Doors([.. doors]);
        var shared = _shared.Listen(Shared(first.Endpoint), handler);
        if (!shared.TryGet(out var door)) return Closed(shared.Status);
        doors.Add(door);
        return new Doors([.. doors]);

        Status Closed(Status reason)
        {
            foreach (var open in doors) _ = open.DisposeAsync();
            return reason;
        }
    }

    /// <summary>Frees the memory; its connections and listeners are disposed, its reactors still run.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_rdma is not null) await _rdma.DisposeAsync();
        _shared?.Dispose();
    }

    /// <summary>Every way to a server, as one listener; the first is the TCP port that others know.</summary>
    private sealed class Doors(IListener[] doors) : IListener
    {
        public Endpoint Endpoint => doors[0].Endpoint;

        public int Connections => doors.Sum(d => d.Connections);

        public int InFlight => doors.Sum(d => d.InFlight);

        public async ValueTask DrainAsync(TimeSpan grace)
        {
            var drains = doors.Select(d => d.DrainAsync(grace).AsTask()).ToArray();
            await Task.WhenAll(drains);
        }

        public async ValueTask DisposeAsync()
        {
            foreach (var door in doors) await door.DisposeAsync();
        }
    }
}
