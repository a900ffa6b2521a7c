using System.Runtime.InteropServices;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Io.Linux;
using ThreeFs.Io.Sockets;

namespace ThreeFs.Transport.Rdma;

/// <summary>
/// The TCP connection beside a queue pair: the ends introduce themselves over it, and its end is the end of the link, for
/// a queue pair alone does not notice that an idle peer has died. Reactor's thread only.
/// </summary>
internal sealed class RdmaSetup(StreamSocket socket)
{
    private readonly IoMemory _buffer = Allocate();
    private readonly IoVector _out = new(1);
    private bool _watches;
    private bool _aborted;

    public StreamSocket Socket => socket;

    /// <summary>Sends this end's introduction; it fits into an empty socket.</summary>
    public Status Send(in RdmaHello hello)
    {
        hello.Write(_buffer.Span);
        _out.Clear();
        _out.Add(_buffer.Address, RdmaHello.Size);
        var sent = socket.TrySend(_out);
        return sent == RdmaHello.Size
            ? Status.Ok
            : new Status(StatusCode.ConnectFailed, $"send the set-up: {Errno.Describe(sent < 0 ? -sent : 0)}");
    }

    /// <summary>The peer's introduction; <see cref="Abort"/> ends the wait.</summary>
    public async ValueTask<Result<RdmaHello>> ReceiveAsync()
    {
        for (var have = 0; have < RdmaHello.Size;)
        {
            var got = await socket.ReceiveAsync(_buffer.Slice(have), expectEmpty: have == 0);
            if (got == 0) return new Status(StatusCode.ConnectFailed, "the peer closed the connection during set-up");
            if (got < 0) return new Status(StatusCode.ConnectFailed, $"receive the set-up: {Errno.Describe(-got)}");
            have += got;
        }

        return RdmaHello.TryRead(_buffer.Span);
    }

    /// <summary>Calls when the peer has closed or sent what it should not.</summary>
    public async void Watch(Action ended)
    {
        _watches = true;
        await socket.ReceiveAsync(_buffer, expectEmpty: true);
        _watches = false;
        if (_aborted) Free();
        else ended();
    }

    /// <summary>Closes, at once or when the watch has ended.</summary>
    public void Close()
    {
        if (_aborted) return;
        _aborted = true;
        socket.Abort();
        if (!_watches) Free();
    }

    /// <summary>Makes a receive in flight complete.</summary>
    public void Abort()
    {
        if (!_aborted) socket.Abort();
    }

    private static unsafe IoMemory Allocate() => new((nint)NativeMemory.Alloc(RdmaHello.Size), RdmaHello.Size);

    private unsafe void Free()
    {
        socket.Dispose();
        NativeMemory.Free((void*)_buffer.Address);
    }
}
