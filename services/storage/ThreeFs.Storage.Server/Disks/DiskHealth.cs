using ThreeFs.Base;

namespace ThreeFs.Storage.Server.Disks;

/// <summary>
/// Judges one disk by what its probes and reads say: whether its targets have to leave service, and whether they may come back. Pure
/// but for its clock; any thread.
/// </summary>
/// <remarks>
/// <b>Hung</b>: a probe has been under way for longer than the limit. <b>Failing</b>: a probe ended with an error, or reads failed too
/// often. <b>Slow</b>: half of the last probes took longer than the limit for slowness; of replicas on equally slow disks one stays, because a
/// slow replica is better than none. Hung and slow disks come back after <see cref="GoodProbes"/> good probes in a row; one that
/// failed does not before the process starts again: an operator has to look at it.
/// </remarks>
internal sealed class DiskHealth(TimeProvider time, TimeSpan hungAfter, TimeSpan slowAfter)
{
    public const int GoodProbes = 20;
    public const int TooManyReadErrors = 16;
    private const int Window = 20;
    private static readonly TimeSpan _readErrorWindow = TimeSpan.FromMinutes(10);

    private readonly Lock _lock = new();
    private readonly Queue<TimeSpan> _last = new();
    private readonly Queue<long> _readErrors = new();
    private long? _startedAt;
    private int _goodInARow;
    private DiskVerdict _verdict = DiskVerdict.Good;

    public void ProbeStarted()
    {
        lock (_lock) _startedAt = time.GetTimestamp();
    }

    /// <summary>The probe that was started has ended; the time it took is the answer.</summary>
    public TimeSpan ProbeEnded(Status outcome)
    {
        lock (_lock)
        {
            var took = time.GetElapsedTime(_startedAt ?? time.GetTimestamp());
            _startedAt = null;
            if (!outcome.IsOk)
            {
                _verdict = new DiskVerdict(DiskState.Failing, $"a probe failed: {outcome.Message}");
                return took;
            }

            _last.Enqueue(took);
            if (_last.Count > Window) _last.Dequeue();
            _goodInARow = took < slowAfter ? _goodInARow + 1 : 0;
            return took;
        }
    }

    public void ReadFailed()
    {
        lock (_lock)
        {
            _readErrors.Enqueue(time.GetTimestamp());
            while (time.GetElapsedTime(_readErrors.Peek()) > _readErrorWindow) _readErrors.Dequeue();
            if (_readErrors.Count >= TooManyReadErrors)
                _verdict = new DiskVerdict(DiskState.Failing, $"{_readErrors.Count} reads failed within {_readErrorWindow.TotalMinutes} minutes");
        }
    }

    /// <summary>The verdict of now.</summary>
    public DiskVerdict Judge()
    {
        lock (_lock)
        {
            if (_verdict.State == DiskState.Failing) return _verdict;
            if (_startedAt is { } started && time.GetElapsedTime(started) > hungAfter)
            {
                _goodInARow = 0;
                return _verdict = new DiskVerdict(
                    DiskState.Hung, $"a write of 4KiB has been under way for more than {hungAfter.TotalSeconds:0.#} s");
            }

            var slow = _last.Count(t => t >= slowAfter);
            if (_verdict.State == DiskState.Good && _last.Count == Window && slow > Window / 2)
            {
                return _verdict = new DiskVerdict(
                    DiskState.Slow, $"{slow} of the last {Window} writes of 4KiB took more than {slowAfter.TotalSeconds:0.#} s");
            }

            if (_verdict.State != DiskState.Good && _goodInARow >= GoodProbes)
            {
                _verdict = DiskVerdict.Good;
                _last.Clear();
            }

            return _verdict;
        }
    }
}

internal enum DiskState
{
    Good,
    Slow,
    Hung,
    Failing,
}

/// <param name="Reason">For the operator; empty when good.</param>
internal readonly record struct DiskVerdict(DiskState State, string Reason)
{
    public static readonly DiskVerdict Good = new(DiskState.Good, "");
}
