using System.Net;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Io;
using ThreeFs.Io.Sockets;
using ThreeFs.Transport.Rdma;
using ThreeFs.Transport.Rdma.Verbs;

namespace ThreeFs.Rdma.Tests;

/// <summary>A client that introduces itself properly and then sends whatever a test wants.</summary>
internal sealed class RawPeer : IRdmaLinkHost, IRdmaWorkOwner, IAsyncDisposable
{
    private readonly Reactor _reactor;
    private readonly RdmaTransport _transport;
    private readonly RdmaWork _work;
    private readonly TaskCompletionSource<Status> _broken = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private RdmaLink _link = null!;
    private RdmaSetup _setup = null!;

    private RawPeer(Reactor reactor, RdmaTransport transport)
    {
        _reactor = reactor;
        _transport = transport;
        _work = new RdmaWork(this);
    }

    /// <summary>Completes when the other end, or a refused request, has ended the link.</summary>
    public Task<Status> Broken => _broken.Task;

    public bool IsFull => false;

    public static async Task<RawPeer> ConnectAsync(Reactor reactor, RdmaTransport transport, int port)
    {
        var peer = new RawPeer(reactor, transport);
        await reactor.InvokeAsync(async () => await peer.OpenAsync(port));
        return peer;
    }

    private async Task OpenAsync(int port)
    {
        var (socket, _) = await StreamSocket.ConnectAsync(
            _reactor, new IPEndPoint(IPAddress.Parse(TestAddress.Host), port), CancellationToken.None);
        _setup = new RdmaSetup(socket!);
        _link = _transport.OpenLink(_reactor, _setup, RdmaDomain.Calls, this).Value;
        var hello = _link.Hello(1);
        _setup.Send(hello).ThrowIfFailed();
        _link.Connect(hello, (await _setup.ReceiveAsync()).Value).ThrowIfFailed();
        _setup.Watch(() => _link.Break(new Status(StatusCode.ConnectionLost, "closed by the server")));
    }

    /// <summary>Sends a message with these bytes.</summary>
    public Task SendAsync(byte[] message) => _reactor.InvokeAsync(() =>
    {
        message.CopyTo(_work.Begin(message.Length));
        _link.Enqueue(_work);
        return ValueTask.CompletedTask;
    });

    /// <summary>Reads from, or writes to, memory of the server that this end has no right to.</summary>
    public Task TouchAsync(IbOpcode opcode, IoMemory own, RemoteSlice theirs) => _reactor.InvokeAsync(() =>
    {
        _work.Begin(0);
        _work.Transfer(opcode, own, [theirs], own.Length);
        _link.Enqueue(_work);
        return ValueTask.CompletedTask;
    });

    public void MessageArrived(ReadOnlySpan<byte> bytes)
    {
    }

    public void LinkBroken(Status reason)
    {
        _setup.Close();
        _broken.TrySetResult(reason);
    }

    public void WorkEnded(RdmaWork work, bool isDone)
    {
    }

    public async ValueTask DisposeAsync()
    {
        await _reactor.InvokeAsync(() =>
        {
            _link.Break(new Status(StatusCode.Cancelled, "the test has ended"));
            return ValueTask.CompletedTask;
        });
    }
}
