using System.Diagnostics;

namespace ThreeFs.Fuse.Tests.Support;

/// <summary>Programs that use a mount.</summary>
internal static class Command
{
    /// <summary>Runs a shell script to its end; what it printed on success.</summary>
    public static async Task<string> ShellAsync(string script)
    {
        var (code, output) = await TryShellAsync(script);
        Assert.True(code == 0, $"exit {code} of: {script}\n{output}");
        return output;
    }

    public static async Task<(int Code, string Output)> TryShellAsync(string script)
    {
        using var process = Start(script);
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(2));
        return (process.ExitCode, await output + await errors);
    }

    public static Process Start(string script) =>
        Process.Start(new ProcessStartInfo("/bin/sh", ["-c", script])
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        })!;
}
