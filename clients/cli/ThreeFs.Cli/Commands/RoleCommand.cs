using System.CommandLine;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using ThreeFs.Base;
using ThreeFs.Cli.Dev;
using ThreeFs.Cli.Output;
using ThreeFs.Hosting;
using ThreeFs.Hosting.Config;

namespace ThreeFs.Cli.Commands;

/// <summary>
/// What `threefs mgmtd|meta|storage|mount` have in common: read the configuration, hold the pid file, start the server,
/// run until SIGTERM or SIGINT (or until the server ends by itself), stop it in order. A failed start prints one line
/// that says why.
/// </summary>
internal static class RoleCommand
{
    /// <summary>Starts a server; <c>Ended</c> completes if it ends without being asked (null: it never does).</summary>
    public delegate Task<Result<RunningRole>> Start<in TConfig>(
        TConfig config, HostServices host, CancellationToken ct);

    public static Option<FileInfo> NewConfigOption() => new("--config")
    {
        Description = "Configuration file (TOML).", Required = true,
    };

    public static Option<string?> NewPidFileOption() => new("--pid-file")
    {
        Description = "File that holds the process id, locked while the process lives.",
    };

    public static Option<LogLevel> NewLogLevelOption() => new("--log-level")
    {
        Description = "Least severe messages to log.",
        DefaultValueFactory = _ => LogLevel.Information,
    };

    public static Command Create<TConfig>(
        string name, string description, Func<TConfig, string> processName, Start<TConfig> start)
        where TConfig : class, new()
    {
        var config = NewConfigOption();
        var pidFile = NewPidFileOption();
        var logLevel = NewLogLevelOption();
        var command = new Command(name, description) { config, pidFile, logLevel };
        command.SetAction((parsed, ct) =>
        {
            var loaded = ConfigFile.Load<TConfig>(parsed.GetValue(config)!.FullName);
            return loaded.TryGet(out var value)
                ? RunAsync(value, processName(value), parsed.GetValue(pidFile), parsed.GetValue(logLevel), start, ct)
                : Task.FromResult(Say.Failure(loaded.Status));
        });
        return command;
    }

    public static async Task<int> RunAsync<TConfig>(
        TConfig config, string processName, string? pidFile, LogLevel logLevel, Start<TConfig> start,
        CancellationToken ct)
    {
        PidFile? pid = null;
        if (pidFile is not null)
        {
            var acquired = PidFile.Acquire(pidFile);
            if (!acquired.TryGet(out pid)) return Say.Failure(acquired.Status);
        }

        using var held = pid;
        var stop = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var term = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => RequestStop(context, stop));
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => RequestStop(context, stop));

        var host = HostServices.ForProcess(processName, logLevel);
        using var logs = host.Logs;
        var log = host.Logs.CreateLogger("ThreeFs");
        var started = await start(config, host, ct);
        if (!started.TryGet(out var role)) return Say.Failure(started.Status);

        log.LogInformation("{Process} started, process {Pid}", processName, Environment.ProcessId);
        await Task.WhenAny(stop.Task, role.Ended);
        log.LogInformation("{Process} stopping", processName);
        await role.Server.DisposeAsync();
        return 0;
    }

    private static void RequestStop(PosixSignalContext context, TaskCompletionSource stop)
    {
        context.Cancel = true;
        stop.TrySetResult();
    }
}

/// <param name="Ended">Completes when the server ended by itself, such as a mount that was unmounted.</param>
internal sealed record RunningRole(IAsyncDisposable Server, Task Ended)
{
    public static Result<RunningRole> From<T>(Result<T> started)
        where T : IAsyncDisposable =>
        started.TryGet(out var server) ? new RunningRole(server, Never) : started.Status;

    public static Task Never { get; } = new TaskCompletionSource().Task;
}
