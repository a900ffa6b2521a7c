using System.Runtime.CompilerServices;
using System.Threading.Tasks.Sources;
using ThreeFs.Base;
using ThreeFs.Base.Tasks;
using ThreeFs.Contracts.Storage;

namespace ThreeFs.Client.Storage;

/// <summary>
/// The lanes of exactly-once updates. A channel carries one update at a time; each update takes the channel's next
/// sequence number and keeps both through all its retries. A server remembers the newest sequence of each channel with
/// its result, so a retry of an executed update is answered and a late duplicate of an older one is refused.
/// </summary>
/// <remarks>
/// Invariants: a channel has one holder; its sequence only rises. Channels are few (they cost the servers memory), so
/// updates beyond their number wait in order of arrival; the queue is bounded. Thread-safe; renting allocates nothing
/// in steady state.
/// </remarks>
public sealed class ChannelAllocator
{
    private readonly Lock _lock = new();
    private readonly ClientId _client;
    private readonly ulong[] _sequence;
    private readonly Stack<ushort> _free;
    private readonly Queue<Waiter> _waiting = new();
    private readonly BoundedPool<Waiter> _waiters = new(1024);
    private readonly int _maxWaiting;
    private int _waitingCount;

    public ChannelAllocator(ClientId client, int channels, int maxWaiting)
    {
        Invariant.Check(channels is > 0 and <= ushort.MaxValue, "there are 1 to 65535 channels");
        _client = client;
        _maxWaiting = maxWaiting;
        _sequence = new ulong[channels + 1];
        _free = new Stack<ushort>(channels);
        for (var id = channels; id > 0; id--) _free.Push((ushort)id);
    }

    /// <summary>Channels not held now.</summary>
    public int Free
    {
        get
        {
            lock (_lock) return _free.Count;
        }
    }

    /// <summary>
    /// A channel with its next sequence number; its sequence is 0 when too many wait already or the caller gave up. Give
    /// it back with <see cref="Return"/>.
    /// </summary>
    public ValueTask<UpdateTag> RentAsync(CancellationToken ct = default)
    {
        lock (_lock)
        {
            if (_free.TryPop(out var id)) return new(new UpdateTag(_client, new ChannelId(id), ++_sequence[id]));
            if (_waitingCount >= _maxWaiting || ct.IsCancellationRequested) return default;
            var waiter = _waiters.TryTake() ?? new Waiter(this);
            _waitingCount++;
            _waiting.Enqueue(waiter);
            var task = waiter.Task;
            if (!ct.CanBeCanceled) return task;
            waiter.MayGiveUp = true;
            return WaitAsync(waiter, task, ct);
        }
    }

    /// <summary>
    /// Sequences for <paramref name="count"/> updates on a channel the caller holds, all behind every one used before;
    /// the answer's is the first of them.
    /// </summary>
    public UpdateTag Advance(UpdateTag held, uint count)
    {
        lock (_lock)
        {
            var first = _sequence[held.Channel.Value] + 1;
            _sequence[held.Channel.Value] += count;
            return held with { Sequence = first };
        }
    }

    public void Return(UpdateTag held)
    {
        var id = held.Channel.Value;
        Invariant.Check(id != 0 && held.Client == _client, "a channel goes back to where it came from");
        Waiter? next;
        UpdateTag tag = default;
        lock (_lock)
        {
            while (_waiting.TryDequeue(out next) && next.HasGivenUp) continue;
            if (next is not null)
            {
                next.IsServed = true;
                _waitingCount--;
                tag = new UpdateTag(_client, held.Channel, ++_sequence[id]);
            }
            else
            {
                _free.Push(id);
            }
        }

        // Outside the lock: the next holder continues inline.
        next?.Complete(tag);
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<UpdateTag> WaitAsync(Waiter waiter, ValueTask<UpdateTag> task, CancellationToken ct)
    {
        UpdateTag tag;
        using (ct.UnsafeRegister(static waiter => ((Waiter)waiter!).GiveUp(), waiter)) tag = await task;

        // Only now: until then the token may still name it. One that gave up is in the line until it is passed over.
        if (!waiter.HasGivenUp) waiter.Recycle();
        return tag;
    }

    private void GiveUp(Waiter waiter)
    {
        lock (_lock)
        {
            if (waiter.IsServed) return;
            waiter.HasGivenUp = true;
            _waitingCount--;
        }

        waiter.Complete(default);
    }

    /// <summary>Its flags are guarded by the allocator's lock.</summary>
    private sealed class Waiter(ChannelAllocator home) : IValueTaskSource<UpdateTag>
    {
        private ManualResetValueTaskSourceCore<UpdateTag> _core;

        public ValueTask<UpdateTag> Task => new(this, _core.Version);

        /// <summary>Goes back to its pool when the token is done with it, not when the result is taken.</summary>
        public bool MayGiveUp { get; set; }

        public bool IsServed { get; set; }
        public bool HasGivenUp { get; set; }

        public void Complete(UpdateTag tag) => _core.SetResult(tag);

        public void GiveUp() => home.GiveUp(this);

        public void Recycle()
        {
            _core.Reset();
            MayGiveUp = IsServed = false;
            home._waiters.TryAdd(this);
        }

        public ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

        public void OnCompleted(Action<object?> continuation, object? state, short token,
            ValueTaskSourceOnCompletedFlags flags) =>
            _core.OnCompleted(continuation, state, token, flags);

        public UpdateTag GetResult(short token)
        {
            var tag = _core.GetResult(token);
            if (!MayGiveUp) Recycle();
            return tag;
        }
    }
}
