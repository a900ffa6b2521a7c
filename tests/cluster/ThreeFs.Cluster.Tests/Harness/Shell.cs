using System.Diagnostics;
using System.Text;

namespace ThreeFs.Cluster.Tests.Harness;

/// <summary>Outcome of a command: exit code and what it printed on both outputs, in order of arrival.</summary>
public sealed record ShellResult(string Command, int ExitCode, string Output)
{
    public ShellResult Succeeded()
    {
        Assert.True(ExitCode == 0, $"exit code {ExitCode} of: {Command}\n{Output}");
        return this;
    }
}

/// <summary>Runs bash commands. A command that does not end in time is killed with its children and fails the test.</summary>
public static class Shell
{
    public static readonly TimeSpan DefaultTimeout = TimeSpan.FromMinutes(4);

    /// <summary>Runs and requires exit code 0.</summary>
    public static async Task<string> RunAsync(string command, string? directory = null, TimeSpan? timeout = null) =>
        (await TryAsync(command, directory, timeout)).Succeeded().Output;

    public static async Task<ShellResult> TryAsync(string command, string? directory = null, TimeSpan? timeout = null)
    {
        using var running = Start(command, directory);
        return await running.WaitAsync(timeout ?? DefaultTimeout);
    }

    /// <summary>Starts a command beside the test.</summary>
    public static RunningCommand Start(string command, string? directory = null) => new(command, directory ?? "/");
}

/// <summary>A command that runs beside the test; disposing kills what is left of it.</summary>
public sealed class RunningCommand : IDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly Task _readers;
    private readonly string _command;

    internal RunningCommand(string command, string directory)
    {
        _command = command;
        var info = new ProcessStartInfo("/bin/bash", ["-c", $"set -euo pipefail; {command}"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            UseShellExecute = false,
            WorkingDirectory = directory,
        };
        _process = Process.Start(info)!;
        _process.StandardInput.Close();
        _readers = Task.WhenAll(ReadAsync(_process.StandardOutput), ReadAsync(_process.StandardError));
    }

    public bool HasExited => _process.HasExited;

    public string OutputSoFar
    {
        get
        {
            lock (_output) return _output.ToString();
        }
    }

    public async Task<ShellResult> WaitAsync(TimeSpan timeout)
    {
        using var limit = new CancellationTokenSource(timeout);
        try
        {
            await _process.WaitForExitAsync(limit.Token);
            await _readers.WaitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            _process.Kill(entireProcessTree: true);
            Assert.Fail($"not done after {timeout.TotalSeconds} s: {_command}\n{OutputSoFar}");
        }

        return new ShellResult(_command, _process.ExitCode, OutputSoFar);
    }

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        _process.Dispose();
    }

    private async Task ReadAsync(StreamReader reader)
    {
        var buffer = new char[4096];
        int n;
        while ((n = await reader.ReadAsync(buffer)) > 0)
        {
            lock (_output) _output.Append(buffer, 0, n);
        }
    }
}
