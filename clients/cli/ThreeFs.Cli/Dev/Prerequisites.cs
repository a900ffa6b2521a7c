using System.Diagnostics;
using System.Runtime.InteropServices;
using ThreeFs.Base;
using ThreeFs.Cli.Output;

namespace ThreeFs.Cli.Dev;

/// <summary>
/// What the machine must have before a cluster can run. Missing Debian packages are installed when the user
/// is root, else named.
/// </summary>
internal static class Prerequisites
{
    public static async Task<Status> EnsureAsync(ClusterPlan plan, CancellationToken ct)
    {
        if (!OperatingSystem.IsLinux()) return Missing("ThreeFs runs on Linux only");
        if (Environment.UserName != "root") return Missing("mounting needs root: run the command with sudo");
        if (!File.Exists("/dev/fuse"))
        {
            return Missing(
                "/dev/fuse is missing: load it with `modprobe fuse` "
                + "(in a container: --device /dev/fuse --cap-add SYS_ADMIN)");
        }

        if (plan.Kv.Length > 0 || HasLibrary("liblmdb.so.0")) return Status.Ok;

        const string Package = "liblmdb0";
        const string Command = "apt-get install -y " + Package;
        if (!File.Exists("/usr/bin/apt-get"))
            return Missing($"the library liblmdb.so.0 is missing: install it (Debian: {Command})");
        Say.Progress($"installing {Package} ...");
        await RunAsync("apt-get -qq update", ct);
        var output = await RunAsync($"DEBIAN_FRONTEND=noninteractive {Command}", ct);
        return HasLibrary("liblmdb.so.0")
            ? Status.Ok
            : Missing($"could not install {Package}; `{Command}` said: {output}");
    }

    private static bool HasLibrary(string name)
    {
        if (!NativeLibrary.TryLoad(name, out var handle)) return false;
        NativeLibrary.Free(handle);
        return true;
    }

    private static async Task<string> RunAsync(string command, CancellationToken ct)
    {
        var info = new ProcessStartInfo("/bin/sh", ["-c", command + " 2>&1"])
        {
            RedirectStandardOutput = true, UseShellExecute = false,
        };
        using var process = Process.Start(info)!;
        var output = await process.StandardOutput.ReadToEndAsync(ct);
        await process.WaitForExitAsync(ct);
        return output.Trim();
    }

    private static Status Missing(string what) => new(StatusCode.InvalidArgument, what);
}
