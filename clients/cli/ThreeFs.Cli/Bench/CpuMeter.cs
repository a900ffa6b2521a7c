using System.Globalization;

namespace ThreeFs.Cli.Bench;

/// <summary>
/// Processor time of some processes, which says more than a rate where the disk's speed changes by the minute. From
/// the scheduler's counters of every thread (/proc/PID/task/TID/schedstat); what a thread used that has ended
/// meanwhile is lost.
/// </summary>
internal sealed class CpuMeter(IReadOnlyList<int> pids)
{
    public TimeSpan Read()
    {
        var nanoseconds = 0L;
        foreach (var pid in pids)
        {
            try
            {
                foreach (var thread in Directory.EnumerateDirectories($"/proc/{pid}/task"))
                {
                    var used = File.ReadAllText($"{thread}/schedstat").Split(' ')[0];
                    nanoseconds += long.Parse(used, CultureInfo.InvariantCulture);
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // A thread or process that ended while it was looked at.
            }
        }

        return TimeSpan.FromMicroseconds(nanoseconds / 1000.0);
    }
}
