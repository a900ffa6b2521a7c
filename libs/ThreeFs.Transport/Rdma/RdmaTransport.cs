using System.Net;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Io;
using ThreeFs.Io.Linux;
using ThreeFs.Io.Sockets;

namespace ThreeFs.Transport.Rdma;

/// <summary>
/// Calls over RDMA: RoCE v2 and InfiniBand, reliable queue pairs, on the reactors of a process. A TCP connection to the
/// server's set-up port introduces the ends to each other; its local address tells which adapter and port to use. Nothing
/// else is configured.
/// </summary>
/// <remarks>
/// A connection belongs to one reactor for its life: the caller's, when it connects on the thread of one of them, else the
/// next in turn. Memory that <see cref="RdmaMemory"/> knows is read and written by the adapters directly; other memory is
/// copied through buffers of the transport.
/// </remarks>
public sealed class RdmaTransport : ITransport, IAsyncDisposable
{
    public const string RdmaScheme = "rdma";

    private readonly RdmaDevice[] _devices;
    private readonly RdmaMemory _memory;
    private readonly Lock _lock = new();
    private readonly Dictionary<(Reactor, RdmaDevice), CompletionChannel> _channels = [];
    private readonly CancellationTokenSource _closing = new();
    private TaskCompletionSource? _noConnect;
    private int _connecting;
    private int _turn;
    private uint _psn;

    private RdmaTransport(
        RdmaDevice[] devices, IReadOnlyList<Reactor> reactors, RdmaMemory memory, TransportOptions options, RdmaOptions rdma)
    {
        _devices = devices;
        _memory = memory;
        Reactors = reactors;
        Options = options;
        Rdma = rdma;
        Staging = new BufferPool(rdma.StagingBytes, observer: memory);
        _psn = (uint)Environment.TickCount64;
        Invariant.Check(reactors.Count > 0, "a transport has a reactor");
        Invariant.Check(options.MaxInFlight is > 0 and <= 65536, "a connection has 1 to 65536 calls in flight");
        Invariant.Check(rdma is { MessageBuffers: >= 4 and <= 4096, SendQueue: >= 16 }, "a connection has room to work");
    }

    /// <summary>This machine has an adapter that can be used.</summary>
    public static bool IsAvailable => RdmaDevice.All.Length > 0;

    /// <summary>
    /// Null when this machine has no adapter that can be used: no library, no kernel support, no device.
    /// </summary>
    public static RdmaTransport? TryOpen(
        IReadOnlyList<Reactor> reactors, RdmaMemory memory, TransportOptions? options = null, RdmaOptions? rdma = null)
    {
        var devices = RdmaDevice.All;
        return devices.Length == 0
            ? null
            : new RdmaTransport(devices, reactors, memory, options ?? new TransportOptions(), rdma ?? new RdmaOptions());
    }

    public string Scheme => RdmaScheme;

    internal IReadOnlyList<Reactor> Reactors { get; }

    internal TransportOptions Options { get; }

    internal RdmaOptions Rdma { get; }

    /// <summary>Registered buffers in place of memory that is not.</summary>
    internal BufferPool Staging { get; }

    /// <summary>
    /// A buffer that the link's adapter reaches, for a copied payload. Null: none is left, no buffer is that long, or the
    /// adapter takes no more memory (an ordinary user's limit on locked memory).
    /// </summary>
    internal BufferLease? TryStage(RdmaLink link, long length)
    {
        if (length > 1 << BufferPool.MaxShift || Staging.TryRent((int)length) is not { } lease) return null;
        if (link.IsRegistered(lease.Memory)) return lease;
        lease.Dispose();
        return null;
    }

    /// <summary>The adapters, for a log line.</summary>
    public string Devices => string.Join(", ", _devices.Select(d => d.Name));

    /// <summary>Completes on the reactor for a caller on it, else on the thread pool.</summary>
    public async ValueTask<Result<IConnection>> ConnectAsync(Endpoint endpoint, CancellationToken ct = default)
    {
        if (endpoint.Scheme != Scheme || endpoint.Port == 0 || !IPAddress.TryParse(endpoint.Host, out var address))
            return new Status(StatusCode.InvalidArgument, $"{endpoint} is not an RDMA address to connect to");
        var current = Reactor.Current;
        var isHere = current is not null && Reactors.Contains(current);
        var reactor = isHere ? current! : Reactors[(int)((uint)Interlocked.Increment(ref _turn) % (uint)Reactors.Count)];
        lock (_lock)
        {
            if (_closing.IsCancellationRequested) return new Status(StatusCode.Cancelled, $"connect to {endpoint}: the transport is closed");
            _connecting++;
        }

        using var limit = new CancellationTokenSource(Options.ConnectTimeout, reactor.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, ct, _closing.Token);
        await reactor.SwitchTo();
        var (socket, error) = await StreamSocket.ConnectAsync(reactor, new IPEndPoint(address, endpoint.Port), either.Token);
        var result = socket is null
            ? new Status(StatusCode.ConnectFailed, Why(error))
            : await IntroduceAsync(reactor, new RdmaSetup(socket), endpoint, either.Token);
        if (!result.IsOk)
        {
            result = ct.IsCancellationRequested
                ? new Status(StatusCode.Cancelled, $"connect to {endpoint}")
                : new Status(StatusCode.ConnectFailed, $"connect to {endpoint}: {result.Status.Message}");
        }

        if (ConnectEnded() && result.TryGet(out var late))
        {
            await late.DisposeAsync();
            result = new Status(StatusCode.Cancelled, $"connect to {endpoint}: the transport is closed");
        }

        if (!isHere) await Task.Yield();
        return result;
    }

    /// <summary>True when the transport was closed meanwhile.</summary>
    private bool ConnectEnded()
    {
        lock (_lock)
        {
            if (--_connecting == 0) _noConnect?.TrySetResult();
            return _closing.IsCancellationRequested;
        }
    }

    private string Why(int error) => error == -Errno.ECANCELED
        ? $"no answer in {Options.ConnectTimeout.TotalSeconds} s"
        : Errno.Describe(-error);

    private async ValueTask<Result<IConnection>> IntroduceAsync(
        Reactor reactor, RdmaSetup setup, Endpoint endpoint, CancellationToken ct)
    {
        var connection = new RdmaConnection(reactor, endpoint, this);
        var link = OpenLink(reactor, setup, RdmaDomain.Calls, connection);
        var status = link.Status;
        if (link.TryGet(out var opened))
        {
            using var _ = ct.UnsafeRegister(static state => ((RdmaSetup)state!).Abort(), setup);
            var hello = opened.Hello(NextPsn());
            status = setup.Send(hello);
            if (status.IsOk)
            {
                var answer = await setup.ReceiveAsync();
                status = answer.TryGet(out var peer) ? opened.Connect(hello, peer) : answer.Status;
            }

            if (status.IsOk)
            {
                connection.Open(opened, setup);
                return connection;
            }

            opened.Discard();
        }

        setup.Close();
        return status;
    }

    public Result<IListener> Listen(Endpoint endpoint, IServerHandler handler)
    {
        if (endpoint.Scheme != Scheme || !IPAddress.TryParse(endpoint.Host, out var address))
            return new Status(StatusCode.InvalidArgument, $"{endpoint} is not an RDMA address: give an IP address, or 0.0.0.0 for all");
        var socket = SocketListener.Open(Reactors[0], new IPEndPoint(address, endpoint.Port));
        if (!socket.TryGet(out var listening))
        {
            var code = socket.Code is StatusCode.Busy or StatusCode.InvalidArgument ? socket.Code : StatusCode.IoError;
            return new Status(code, socket.Status.Message);
        }

        var listener = new RdmaListener(this, listening, endpoint with { Port = listening.Local.Port }, handler);
        listener.Start();
        return listener;
    }

    /// <summary>
    /// A queue pair of the adapter behind the set-up connection's address. Reactor's thread.
    /// </summary>
    internal Result<RdmaLink> OpenLink(Reactor reactor, RdmaSetup setup, RdmaDomain domain, IRdmaLinkHost host)
    {
        var local = setup.Socket.Local.Address;
        var path = RdmaPath.Find(_devices, local);
        if (path is null) return new Status(StatusCode.ConnectFailed, $"no RDMA adapter has the address {local}");
        var channel = ChannelOf(reactor, path.Device);
        return channel.TryGet(out var opened)
            ? RdmaLink.Open(opened, path, _memory, domain, reactor, Rdma, Options.SilenceLimit, host)
            : channel.Status;
    }

    private Result<CompletionChannel> ChannelOf(Reactor reactor, RdmaDevice device)
    {
        lock (_lock)
        {
            if (_channels.TryGetValue((reactor, device), out var known)) return known;
            var opened = CompletionChannel.Open(reactor, device, Rdma.SpinTime);
            if (opened.TryGet(out var channel)) _channels.Add((reactor, device), channel);
            return opened;
        }
    }

    /// <summary>
    /// Where a queue pair begins to count packets: another one than its predecessors', so that their late packets are not
    /// taken for its own.
    /// </summary>
    internal uint NextPsn() => Interlocked.Add(ref _psn, 0x10001) & 0xffffff;

    /// <summary>
    /// Gives up connects under way and closes the channels, when listeners and connections are closed and reactors still
    /// run.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        Task connects;
        lock (_lock)
        {
            _noConnect ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            if (_connecting == 0) _noConnect.TrySetResult();
            connects = _noConnect.Task;
        }

        await _closing.CancelAsync();
        await connects;
        CompletionChannel[] channels;
        Reactor[] reactors;
        lock (_lock)
        {
            reactors = [.. _channels.Keys.Select(k => k.Item1)];
            channels = [.. _channels.Values];
            _channels.Clear();
        }

        for (var i = 0; i < channels.Length; i++)
        {
            var channel = channels[i];
            await reactors[i].InvokeAsync(async () => await channel.CloseAsync());
        }

        Staging.Dispose();
    }
}
