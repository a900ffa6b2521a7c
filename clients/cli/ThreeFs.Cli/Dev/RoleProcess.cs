using System.Diagnostics;
using Tmds.Linux;
using ThreeFs.Base;

namespace ThreeFs.Cli.Dev;

/// <summary>
/// Starts and ends the background processes of a local cluster; they outlive the command that starts them.
/// </summary>
internal sealed class RoleProcess(RoleDirectory directory, string command)
{
    private Process? _started;

    public RoleDirectory Directory { get; } = directory;
    public string Name => Directory.Name;

    /// <summary>The process id while it runs, by its pid file's lock.</summary>
    public int? Pid => PidFile.RunningProcess(Directory.PidFile);

    /// <summary>It was started here, lives, and does not hold its pid file yet.</summary>
    public bool IsStarting => _started is { HasExited: false } && Pid is null;

    /// <summary>
    /// Starts `threefs COMMAND --config … --pid-file …` in a session of its own, its output appended to the log.
    /// </summary>
    public void Start()
    {
        var info = new ProcessStartInfo("/bin/sh") { UseShellExecute = false, WorkingDirectory = "/" };
        string[] arguments =
        [
            "-c", "log=$1; shift; exec setsid \"$@\" </dev/null >>\"$log\" 2>&1", "sh", Directory.LogFile,
            Environment.ProcessPath!, command, "--config", Directory.ConfigFile, "--pid-file", Directory.PidFile,
        ];
        foreach (var argument in arguments) info.ArgumentList.Add(argument);
        _started = Process.Start(info)!;
    }

    /// <summary>Null while the started process lives; otherwise why it ended, from its log.</summary>
    public Status? Failure()
    {
        if (_started is null || !_started.HasExited) return null;
        var lines = File.Exists(Directory.LogFile) ? File.ReadLines(Directory.LogFile) : [];
        var reason = lines.LastOrDefault(line => line.Length > 0);
        return new Status(
            StatusCode.Unavailable, $"{Name} ended with code {_started.ExitCode}: {reason} (log: {Directory.LogFile})");
    }

    /// <summary>Ends it at once, as a crash would.</summary>
    public async Task KillAsync()
    {
        if (Pid is not { } pid) return;
        Signal(pid, LibC.SIGKILL);
        while (Pid == pid) await Task.Delay(20);
    }

    /// <summary>Asks it to end, and ends it when it has not done so in time.</summary>
    /// <returns>False when it had to be killed.</returns>
    public async Task<bool> StopAsync(TimeSpan patience, CancellationToken ct)
    {
        if (Pid is not { } pid) return true;
        Signal(pid, LibC.SIGTERM);
        var end = Stopwatch.GetTimestamp() + (long)(patience.TotalSeconds * Stopwatch.Frequency);
        while (Pid is not null)
        {
            if (Stopwatch.GetTimestamp() > end)
            {
                Signal(pid, LibC.SIGKILL);
                while (Pid == pid) await Task.Delay(20, ct);
                return false;
            }

            await Task.Delay(20, ct);
        }

        return true;
    }

    private static void Signal(int pid, int signal) => LibC.kill(pid, signal);
}
