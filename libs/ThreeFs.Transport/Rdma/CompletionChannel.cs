using System.Runtime.InteropServices;
using ThreeFs.Base;
using ThreeFs.Io;
using ThreeFs.Io.Linux;
using ThreeFs.Transport.Rdma.Verbs;

namespace ThreeFs.Transport.Rdma;

/// <summary>Whose completions a channel brings.</summary>
internal interface ICompletionSink
{
    /// <summary>Takes what is in the completion queue; answers whether there was anything.</summary>
    bool TakeCompletions();
}

/// <summary>
/// The completion queues of one adapter that belong to one reactor. While completions keep coming the reactor looks for
/// them itself at each turn; after <see cref="RdmaOptions.SpinTime"/> without one, the queue is armed and the adapter's
/// event wakes the reactor. Reactor's thread only.
/// </summary>
internal sealed class CompletionChannel
{
    private readonly Reactor _reactor;
    private readonly unsafe IbCompletionChannel* _channel;
    private readonly ReadinessWatch _watch;
    private readonly TimeSpan _spinTime;
    private readonly Dictionary<nint, Queue> _queues = [];
    private readonly List<Queue> _spinning = [];
    private bool _spinPosted;

    private unsafe CompletionChannel(Reactor reactor, RdmaDevice device, IbCompletionChannel* channel, TimeSpan spinTime)
    {
        _reactor = reactor;
        Device = device;
        _channel = channel;
        _spinTime = spinTime;
        _watch = new ReadinessWatch(reactor, channel->Fd, TakeEvents);
    }

    public RdmaDevice Device { get; }

    /// <summary>Fails with <see cref="StatusCode.IoError"/> when the adapter gives none.</summary>
    public static unsafe Result<CompletionChannel> Open(Reactor reactor, RdmaDevice device, TimeSpan spinTime)
    {
        var channel = IbVerbs.CreateChannel(device.Context);
        if (channel == null) return Failed(device, "an event channel");
        var error = ReadinessWatch.MakeNonBlocking(channel->Fd);
        if (error != 0)
        {
            IbVerbs.DestroyChannel(channel);
            return Errno.ToStatus(error, $"make the event channel of {device} non-blocking");
        }

        var opened = new CompletionChannel(reactor, device, channel, spinTime);
        opened._watch.Start();
        return opened;
    }

    /// <summary>A queue for so many completions; null when the adapter gives none.</summary>
    public unsafe IbCq* Add(ICompletionSink sink, int entries)
    {
        var cq = IbVerbs.CreateCq(Device.Context, entries, 0, _channel, 0);
        if (cq == null) return null;
        _queues.Add((nint)cq, new Queue((nint)cq, sink));
        Arm(cq);
        return cq;
    }

    /// <summary>Destroys the queue; its queue pair is gone already.</summary>
    public unsafe void Remove(IbCq* cq)
    {
        if (_queues.Remove((nint)cq, out var queue)) _spinning.Remove(queue);
        var code = IbVerbs.DestroyCq(cq);
        Invariant.Check(code is 0 or Errno.EIO, "a completion queue that nothing uses can be destroyed");
    }

    /// <summary>The channel's queues are gone; nothing runs any more when this has completed.</summary>
    public async Task CloseAsync()
    {
        Invariant.Check(_queues.Count == 0, "a channel is closed after its connections");
        await _watch.StopAsync();
        Destroy();
    }

    private unsafe void Destroy() => IbVerbs.DestroyChannel(_channel);

    private unsafe void TakeEvents()
    {
        IbCq* cq;
        nint user;
        while (IbVerbs.GetCqEvent(_channel, &cq, &user) == 0)
        {
            IbVerbs.AcknowledgeCqEvents(cq, 1);
            if (_queues.TryGetValue((nint)cq, out var queue)) Look(queue);
        }
    }

    private void Look(Queue queue)
    {
        if (_spinTime == TimeSpan.Zero)
        {
            ArmAndTake(queue);
            return;
        }

        queue.Sink.TakeCompletions();
        if (!_queues.ContainsKey(queue.Address)) return;
        queue.SpinsUntil = SpinLimit();
        if (queue.IsSpinning) return;
        queue.IsSpinning = true;
        _spinning.Add(queue);
        PostSpin();
    }

    private void PostSpin()
    {
        if (_spinPosted || _spinning.Count == 0) return;
        _spinPosted = _reactor.Post(static state => ((CompletionChannel)state!).Spin(), this);
    }

    private void Spin()
    {
        _spinPosted = false;
        for (var i = _spinning.Count - 1; i >= 0; i--)
        {
            // Taking may close connections, this one and others.
            if (i >= _spinning.Count) continue;
            var queue = _spinning[i];
            if (queue.Sink.TakeCompletions())
            {
                queue.SpinsUntil = SpinLimit();
                continue;
            }

            if (_reactor.Time.GetTimestamp() < queue.SpinsUntil || !_spinning.Remove(queue)) continue;
            queue.IsSpinning = false;
            ArmAndTake(queue);
        }

        PostSpin();
    }

    private long SpinLimit() =>
        _reactor.Time.GetTimestamp() + (long)(_spinTime.TotalSeconds * _reactor.Time.TimestampFrequency);

    /// <summary>
    /// Armed first: a completion after the last look makes an event, one before it is seen.
    /// </summary>
    private static unsafe void ArmAndTake(Queue queue)
    {
        Arm((IbCq*)queue.Address);
        queue.Sink.TakeCompletions();
    }

    private static unsafe void Arm(IbCq* cq)
    {
        var code = cq->Context->RequestNotify(cq, 0);
        Invariant.Check(code == 0, "a completion queue can be armed");
    }

    private static Status Failed(RdmaDevice device, string what) =>
        new(StatusCode.IoError, $"{device} gives no {what}: {Errno.Describe(Marshal.GetLastPInvokeError())}");

    private sealed class Queue(nint address, ICompletionSink sink)
    {
        public nint Address => address;

        public ICompletionSink Sink => sink;

        public bool IsSpinning { get; set; }

        public long SpinsUntil { get; set; }
    }
}
