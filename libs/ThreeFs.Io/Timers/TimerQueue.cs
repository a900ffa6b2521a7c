using System.Diagnostics;
using ThreeFs.Base;

namespace ThreeFs.Io.Timers;

/// <summary>
/// The armed timers of a reactor, earliest first: a binary heap in which every timer knows its place, so that changing
/// and disposing take O(log n). Timers are changed from any thread and fire on the reactor's; equal instants fire in
/// the order they were armed. A timer that is being fired while another thread disposes it may still run once.
/// </summary>
internal sealed class TimerQueue(Action wake)
{
    private readonly Lock _lock = new();
    private ReactorTimer[] _heap = new ReactorTimer[64];
    private int _count;
    private long _sequence;

    public int Count
    {
        get
        {
            lock (_lock) return _count;
        }
    }

    /// <summary>Nanoseconds until the first timer fires; −1 when there is none.</summary>
    public long NanosecondsToNext()
    {
        long due;
        lock (_lock)
        {
            if (_count == 0) return -1;
            due = _heap[0].Due;
        }

        var left = due - Stopwatch.GetTimestamp();
        return left <= 0 ? 0 : ToNanoseconds(left);
    }

    public bool Change(ReactorTimer timer, TimeSpan dueTime, TimeSpan period)
    {
        Invariant.Check(dueTime >= TimeSpan.Zero || dueTime == Timeout.InfiniteTimeSpan, "a timer is due in the future or never");
        var isFirst = false;
        lock (_lock)
        {
            if (timer.IsDisposed) return false;
            if (timer.Index >= 0) RemoveAt(timer.Index);
            timer.Period = period <= TimeSpan.Zero ? 0 : Math.Max(1, ToTicks(period));
            if (dueTime != Timeout.InfiniteTimeSpan)
            {
                Insert(timer, Stopwatch.GetTimestamp() + ToTicks(dueTime));
                isFirst = timer.Index == 0;
            }
        }

        if (isFirst) wake();
        return true;
    }

    public void Remove(ReactorTimer timer)
    {
        lock (_lock)
        {
            timer.IsDisposed = true;
            if (timer.Index >= 0) RemoveAt(timer.Index);
        }
    }

    /// <summary>Fires what is due now, not what becomes due meanwhile.</summary>
    public void FireDue()
    {
        if (Volatile.Read(ref _count) == 0) return;
        var now = Stopwatch.GetTimestamp();
        while (TryTakeDue(now) is { } timer) timer.Fire();
    }

    private ReactorTimer? TryTakeDue(long now)
    {
        lock (_lock)
        {
            if (_count == 0 || _heap[0].Due > now) return null;
            var timer = _heap[0];
            RemoveAt(0);
            if (timer.Period > 0) Insert(timer, now + timer.Period);
            return timer;
        }
    }

    private void Insert(ReactorTimer timer, long due)
    {
        if (_count == _heap.Length) Array.Resize(ref _heap, _count * 2);
        timer.Due = due;
        timer.Sequence = _sequence++;
        Up(timer, _count++);
    }

    private void RemoveAt(int index)
    {
        _heap[index].Index = -1;
        var last = _heap[--_count];
        _heap[_count] = null!;
        if (index == _count) return;
        if (index > 0 && Before(last, _heap[(index - 1) / 2])) Up(last, index);
        else Down(last, index);
    }

    private void Up(ReactorTimer timer, int index)
    {
        for (; index > 0; index = (index - 1) / 2)
        {
            var parent = _heap[(index - 1) / 2];
            if (!Before(timer, parent)) break;
            Put(parent, index);
        }

        Put(timer, index);
    }

    private void Down(ReactorTimer timer, int index)
    {
        for (var child = index * 2 + 1; child < _count; child = index * 2 + 1)
        {
            if (child + 1 < _count && Before(_heap[child + 1], _heap[child])) child++;
            if (!Before(_heap[child], timer)) break;
            Put(_heap[child], index);
            index = child;
        }

        Put(timer, index);
    }

    private void Put(ReactorTimer timer, int index)
    {
        _heap[index] = timer;
        timer.Index = index;
    }

    private static bool Before(ReactorTimer a, ReactorTimer b) =>
        a.Due != b.Due ? a.Due < b.Due : a.Sequence < b.Sequence;

    private static long ToTicks(TimeSpan span)
    {
        var ticks = span.TotalSeconds * Stopwatch.Frequency;
        return ticks >= long.MaxValue / 4 ? long.MaxValue / 4 : (long)ticks;
    }

    private static long ToNanoseconds(long ticks) =>
        Stopwatch.Frequency == 1_000_000_000 ? ticks : (long)(ticks * (1e9 / Stopwatch.Frequency));
}
