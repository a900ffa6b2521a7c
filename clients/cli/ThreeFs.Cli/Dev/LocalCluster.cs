using System.Diagnostics;
using ThreeFs.Base;
using ThreeFs.Cli.Output;
using ThreeFs.Fuse.Mounting;

namespace ThreeFs.Cli.Dev;

/// <summary>A cluster of background processes in one directory: starts what is not running, ends what is.</summary>
internal sealed class LocalCluster
{
    private LocalCluster(ClusterDirectory directory, ClusterPlan plan, IReadOnlyList<LocalRole> roles)
    {
        Directory = directory;
        Plan = plan;
        Roles = roles;
    }

    public ClusterDirectory Directory { get; }
    public ClusterPlan Plan { get; }

    /// <summary>In the order in which they are started.</summary>
    public IReadOnlyList<LocalRole> Roles { get; }

    public LocalRole Mount => Roles[^1];

    public string[] MgmtdAddresses => Roles.OfType<LocalRole<Mgmtd.Server.MgmtdConfig>>()
        .Select(r => $"{LocalRoles.Loopback}:{r.Config.GrpcPort}").ToArray();

    /// <summary>The cluster of an existing directory.</summary>
    public static Result<LocalCluster> Open(ClusterDirectory directory)
    {
        var loaded = directory.LoadPlan();
        if (!loaded.TryGet(out var plan)) return loaded.Status;
        var status = plan.Validate();
        if (!status.IsOk) return new Status(status.Code, $"{directory.PlanFile}: {status.Message}");
        return Create(directory, plan);
    }

    /// <summary>The cluster of a plan, with the configurations that are already there.</summary>
    public static Result<LocalCluster> Create(ClusterDirectory directory, ClusterPlan plan)
    {
        var roles = LocalRoles.Create(directory, plan);
        foreach (var role in roles)
        {
            var status = role.Load();
            if (!status.IsOk) return status;
        }

        return new LocalCluster(directory, plan, roles);
    }

    /// <summary>Writes the plan and the configurations of processes that do not run; ports that others took meanwhile are replaced.</summary>
    public Status Prepare()
    {
        try
        {
            System.IO.Directory.CreateDirectory(Directory.Path);
            System.IO.Directory.CreateDirectory(Directory.KvDirectory);
            var status = ReplaceTakenPorts();
            if (!status.IsOk) return status;
            foreach (var role in Roles.Where(r => r.Process.Pid is null))
            {
                role.Save();
                if (role is LocalRole<Storage.Server.StorageConfig> storage)
                    foreach (var path in storage.Config.DataPaths) System.IO.Directory.CreateDirectory(path);
            }

            Directory.SavePlan(Plan);
            return Status.Ok;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new Status(StatusCode.IoError, $"cannot write to {Directory.Path}: {e.Message}");
        }
    }

    /// <summary>Starts every process that does not run.</summary>
    /// <returns>Those that were started.</returns>
    public IReadOnlyList<LocalRole> StartMissing()
    {
        var missing = Roles.Where(r => r.Process.Pid is null).ToArray();
        foreach (var role in missing) role.Process.Start();
        return missing;
    }

    /// <summary>Ends the mount, then the servers in the order in which they need each other.</summary>
    public async Task<Status> StopAsync(CancellationToken ct)
    {
        var patience = TimeSpan.FromSeconds(15);
        if (!await Mount.Process.StopAsync(patience, ct)) Say.Progress($"{Mount.Name} did not end in {patience.TotalSeconds} s and was killed");
        var unmounted = await UnmountAsync(ct);
        if (!unmounted.IsOk) return unmounted;

        foreach (var command in new[] { "meta", "storage", "mgmtd" })
        {
            var roles = Roles.Where(r => r.Name.StartsWith(command + "-", StringComparison.Ordinal)).ToArray();
            var ended = await Task.WhenAll(roles.Select(r => r.Process.StopAsync(patience, ct)));
            for (var i = 0; i < roles.Length; i++)
            {
                if (!ended[i]) Say.Progress($"{roles[i].Name} did not end in {patience.TotalSeconds} s and was killed");
            }
        }

        return Status.Ok;
    }

    /// <summary>Removes a mount whose process is gone.</summary>
    public async Task<Status> UnmountAsync(CancellationToken ct)
    {
        if (MountEntry.TypeAt(Plan.Mount) is not { } type || !type.StartsWith("fuse", StringComparison.Ordinal)) return Status.Ok;
        using var umount = Process.Start(new ProcessStartInfo("umount", ["-l", Plan.Mount]) { RedirectStandardError = true })!;
        var error = await umount.StandardError.ReadToEndAsync(ct);
        await umount.WaitForExitAsync(ct);
        return umount.ExitCode == 0 ? Status.Ok : new Status(StatusCode.Busy, $"cannot unmount {Plan.Mount}: {error.Trim()}");
    }

    private Status ReplaceTakenPorts()
    {
        foreach (var role in Roles.Where(r => r.Process.Pid is null))
        {
            foreach (var port in role.Ports.Where(p => !FreePorts.IsFree(p)))
            {
                var running = Roles.FirstOrDefault(r => r.Process.Pid is not null);
                if (role is LocalRole<Mgmtd.Server.MgmtdConfig> && running is not null)
                {
                    return new Status(StatusCode.Busy,
                        $"port {port} of {role.Name} is taken by another process (ss -ltnp), and running processes such as {running.Name} know it; "
                        + $"free the port, or run `threefs down --dir {Directory.Path}` first");
                }

                role.ReplacePort(port, FreePorts.Take(1)[0]);
            }
        }

        foreach (var role in Roles) role.SetMgmtd(MgmtdAddresses);
        return Status.Ok;
    }
}
