using ThreeFs.UsrbIo.Linux;

namespace ThreeFs.Cli.Bench;

/// <summary>
/// Processor time of some processes, which says more than a rate where the disk's speed changes by the minute. From
/// each process's own clock, which counts threads that have ended too.
/// </summary>
internal sealed class CpuMeter(IReadOnlyList<int> pids)
{
    private readonly TimeSpan[] _last = new TimeSpan[pids.Count];

    /// <summary>Of all since their start; a process that has ended counts as it did last.</summary>
    public unsafe TimeSpan Read()
    {
        var sum = TimeSpan.Zero;
        for (var i = 0; i < _last.Length; i++)
        {
            TimeSpec used;
            if (LibC.ClockGetTime(ClockOf(pids[i]), &used) == 0)
                _last[i] = TimeSpan.FromSeconds(used.Seconds) + TimeSpan.FromMicroseconds(used.Nanoseconds / 1000.0);
            sum += _last[i];
        }

        return sum;
    }

    /// <summary>The id that clock_getcpuclockid(3) gives a process: the scheduler's count of all its threads.</summary>
    private static int ClockOf(int pid) => (~pid << 3) | 2;
}
