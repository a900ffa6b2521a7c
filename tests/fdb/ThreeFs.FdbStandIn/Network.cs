using System.Diagnostics;
using ThreeFs.Base;

namespace ThreeFs.FdbStandIn;

/// <summary>
/// The thread that completes futures: each after a delay drawn from a seed, so that they complete in any order. While
/// the database is unreachable nothing but timeouts happens.
/// </summary>
internal static class Network
{
    private static readonly object _lock = new();
    private static readonly PriorityQueue<Action, (long Due, long Order)> _due = new();
    private static readonly List<Action> _held = [];
    private static SeededRandom _random = new(1);
    private static int _maxDelayMicros;
    private static int _readyPercent;
    private static long _order;
    private static bool _reachable = true;
    private static bool _stopped;

    public static bool IsSetUp { get; set; }

    public static void SetDelays(ulong seed, int maxMicros, int readyPercent)
    {
        lock (_lock) (_random, _maxDelayMicros, _readyPercent) = (new SeededRandom(seed), maxMicros, readyPercent);
    }

    public static void SetReachable(bool reachable)
    {
        lock (_lock)
        {
            _reachable = reachable;
            if (!reachable) return;
            foreach (var work in _held) Enqueue(work, TimeSpan.Zero);
            _held.Clear();
        }
    }

    /// <summary>True: complete it before the call that made the future returns.</summary>
    public static bool IsReadyAtOnce()
    {
        lock (_lock) return _reachable && _random.Next(100) < _readyPercent;
    }

    public static bool Flip()
    {
        lock (_lock) return _random.NextBool(0.5);
    }

    public static bool Hit(int percent)
    {
        lock (_lock) return percent > 0 && _random.Next(100) < percent;
    }

    /// <summary>An answer of the database, after some time, not while it is unreachable.</summary>
    public static void Answer(Action work)
    {
        lock (_lock)
        {
            if (!_reachable) _held.Add(work);
            else Enqueue(work, TimeSpan.FromMicroseconds(_maxDelayMicros == 0 ? 0 : _random.Next(_maxDelayMicros)));
        }
    }

    /// <summary>Something that the client does by itself.</summary>
    public static void Post(Action work, TimeSpan delay)
    {
        lock (_lock) Enqueue(work, delay);
    }

    public static void Run()
    {
        while (true)
        {
            Action work;
            lock (_lock)
            {
                if (_stopped) return;
                if (!_due.TryPeek(out work!, out var next))
                {
                    Monitor.Wait(_lock);
                    continue;
                }

                var left = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), next.Due);
                if (left > TimeSpan.Zero)
                {
                    // Timers are coarse: short delays are kept by giving way.
                    if (left > TimeSpan.FromMilliseconds(2)) Monitor.Wait(_lock, left - TimeSpan.FromMilliseconds(1));
                    else Monitor.Wait(_lock, 0);
                    continue;
                }

                _due.Dequeue();
            }

            work();
        }
    }

    public static void Stop()
    {
        lock (_lock)
        {
            _stopped = true;
            Monitor.PulseAll(_lock);
        }
    }

    private static void Enqueue(Action work, TimeSpan delay)
    {
        var due = Stopwatch.GetTimestamp() + (long)(delay.TotalSeconds * Stopwatch.Frequency);
        _due.Enqueue(work, (due, _order++));
        Monitor.PulseAll(_lock);
    }
}
