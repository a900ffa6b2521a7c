using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using ThreeFs.Base;

namespace ThreeFs.Hosting;

/// <summary>What a process gives to the server that runs in it: the only place where real time, real randomness and logs come from.</summary>
/// <param name="processName">Role and id, such as "storage-3"; labels logs and messages.</param>
public sealed class HostServices(string processName, ILoggerFactory logs, TimeProvider time, ulong seed)
{
    private readonly Lock _seedLock = new();
    private readonly SeededRandom _seeds = new(seed);

    public string ProcessName { get; } = processName;
    public ILoggerFactory Logs { get; } = logs;
    public TimeProvider Time { get; } = time;
    public Health Health { get; } = new();

    /// <summary>A generator of the caller's own; all of a process descend from its one seed.</summary>
    public SeededRandom NewRandom()
    {
        lock (_seedLock) return new SeededRandom(_seeds.NextUInt64());
    }

    /// <summary>The services of a real process: system clock, random seed, one line a message on standard error.</summary>
    public static HostServices ForProcess(string processName, LogLevel level = LogLevel.Information)
    {
        var seed = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8));
        return new HostServices(processName, LogOutput.CreateFactory(level), TimeProvider.System, seed);
    }
}
