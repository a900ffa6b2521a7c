using System.CommandLine;
using ThreeFs.Base;
using ThreeFs.Cli.Output;
using ThreeFs.Fuse;
using ThreeFs.Hosting.Config;

namespace ThreeFs.Cli.Commands;

/// <summary>
/// `threefs mount`: mounts a cluster and serves the mount in the foreground until SIGTERM or until it is unmounted.
/// </summary>
internal static class MountCommand
{
    public static Command Create()
    {
        var point = new Argument<string?>("MOUNTPOINT")
        {
            Description = "Directory to mount at.", Arity = ArgumentArity.ZeroOrOne,
        };
        var mgmtd = new Option<string[]>("--mgmtd")
        {
            Description = "host:port of the cluster managers' gRPC endpoints.", AllowMultipleArgumentsPerToken = true,
        };
        var cluster = new Option<string?>("--cluster") { Description = "Cluster id [default: threefs]." };
        var readOnly = new Option<bool>("--read-only") { Description = "Refuse every change." };
        var config = new Option<FileInfo?>("--config")
        {
            Description = "Configuration file (TOML); other options win over it.",
        };
        var pidFile = RoleCommand.NewPidFileOption();
        var logLevel = RoleCommand.NewLogLevelOption();
        var command = new Command("mount", "Mount a cluster and serve the mount in the foreground.")
        {
            point, mgmtd, cluster, readOnly, config, pidFile, logLevel,
        };
        command.SetAction((parsed, ct) =>
        {
            var loaded = parsed.GetValue(config) is { } file
                ? ConfigFile.Load<MountConfig>(file.FullName)
                : new MountConfig();
            if (!loaded.TryGet(out var value)) return Task.FromResult(Say.Failure(loaded.Status));
            if (parsed.GetValue(point) is { } path) value.MountPoint = path.Length == 0 ? "" : Path.GetFullPath(path);
            if (parsed.GetValue(mgmtd) is { Length: > 0 } addresses) value.Mgmtd = addresses;
            if (parsed.GetValue(cluster) is { } id) value.ClusterId = id;
            if (parsed.GetValue(readOnly)) value.ReadOnly = true;
            if (Missing(value) is { } missing)
                return Task.FromResult(Say.Failure(new Status(StatusCode.InvalidArgument, missing)));
            return RoleCommand.RunAsync(
                value, "mount", parsed.GetValue(pidFile), parsed.GetValue(logLevel), StartAsync, ct);
        });
        return command;
    }

    private static string? Missing(MountConfig config)
    {
        if (config.MountPoint.Length == 0)
        {
            return "MOUNTPOINT is missing: name the directory to mount at, as argument "
                + "or as mount_point in the file of --config";
        }

        return config.Mgmtd.Length == 0
            ? "--mgmtd is missing: name the cluster managers as HOST:PORT, here or as mgmtd in the file of --config"
            : null;
    }

    private static async Task<Result<RunningRole>> StartAsync(
        MountConfig config, Hosting.HostServices host, CancellationToken ct)
    {
        var started = await FuseMount.StartAsync(config, host, ct);
        return started.TryGet(out var mount) ? new RunningRole(mount, mount.Completion) : started.Status;
    }
}
