using ThreeFs.Base;
using ThreeFs.Contracts.Storage;
using ThreeFs.Io;
using ThreeFs.Storage.ChunkEngine;
using ThreeFs.Storage.Threading;

namespace ThreeFs.Storage.Server.Requests;

/// <summary>
/// What one client of this host reads by itself: each hold ends when the client says so, when its connection does, or after
/// <see cref="ContentLocation.HoldTime"/>. On the connection's reactor.
/// </summary>
internal sealed class ClientHolds
{
    private const int SlotBits = 8;
    private const int Most = 1 << SlotBits;
    private static readonly TimeSpan _look = TimeSpan.FromMilliseconds(100);
    private static readonly Action<object?> _release = static state => ((ContentHold)state!).Release();

    private readonly Entry[] _entries = new Entry[Most];
    private readonly Stack<int> _free = new(Enumerable.Range(0, Most));
    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private ulong _next = 1;
    private bool _isClosed;

    private record struct Entry(ulong Id, ContentHold? Hold, IExecutor Executor, long Since);

    /// <summary>On the reactor whose thread this is.</summary>
    public ClientHolds(Reactor reactor)
    {
        _time = reactor.Time;
        _timer = _time.CreateTimer(
            static state => ((ClientHolds)state!).Expire(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public int Count => Most - _free.Count;

    /// <summary>The number by which the client names it; 0 when it has too many, and the caller keeps the hold.</summary>
    public ulong Add(ContentHold hold, IExecutor executor)
    {
        if (_isClosed || !_free.TryPop(out var slot)) return 0;
        if (Count == 1) _timer.Change(_look, _look);
        var id = (_next++ << SlotBits) | (uint)slot;
        _entries[slot] = new Entry(id, hold, executor, _time.GetTimestamp());
        return id;
    }

    /// <summary>Nothing when it is over already.</summary>
    public void Release(ulong id)
    {
        var slot = (int)(id & (Most - 1));
        if (_entries[slot].Hold is not null && _entries[slot].Id == id) End(slot);
    }

    /// <summary>The client is gone.</summary>
    public void Close()
    {
        _isClosed = true;
        for (var slot = 0; slot < Most; slot++)
        {
            if (_entries[slot].Hold is not null) End(slot);
        }

        _timer.Dispose();
    }

    private void Expire()
    {
        for (var slot = 0; slot < Most; slot++)
        {
            if (_entries[slot].Hold is null || _time.GetElapsedTime(_entries[slot].Since) < ContentLocation.HoldTime) continue;
            Metrics.HoldExpired();
            End(slot);
        }
    }

    private void End(int slot)
    {
        var entry = _entries[slot];
        _entries[slot] = default;
        _free.Push(slot);
        if (Count == 0) _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        ReleaseOn(entry.Executor, entry.Hold!);
    }

    /// <summary>On the thread of its target.</summary>
    public static void ReleaseOn(IExecutor executor, ContentHold hold)
    {
        if (executor.IsCurrent) hold.Release();
        else executor.Post(_release, hold);
    }
}
