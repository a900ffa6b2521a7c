using System.Diagnostics;
using ThreeFs.Base;
using ThreeFs.Cli.Output;
using ThreeFs.Contracts.Routing;
using ThreeFs.Fuse;
using ThreeFs.Fuse.Mounting;
using ThreeFs.Hosting;
using ThreeFs.Kv.Lmdb;
using ThreeFs.Mgmtd.Server;
using ThreeFs.Storage.Server;

namespace ThreeFs.Cli.Dev;

/// <summary>A cluster of background processes in one directory: starts what is not running, ends what is.</summary>
internal sealed class LocalCluster
{
    private LocalCluster(
        ClusterDirectory directory, ClusterPlan plan, IReadOnlyList<LocalRole> roles, IReadOnlyList<Status> damage)
    {
        Directory = directory;
        Plan = plan;
        Roles = roles;
        Damage = damage;
    }

    public ClusterDirectory Directory { get; }
    public ClusterPlan Plan { get; }

    /// <summary>In the order in which they are started.</summary>
    public IReadOnlyList<LocalRole> Roles { get; }

    /// <summary>What of plan and configurations could not be read.</summary>
    public IReadOnlyList<Status> Damage { get; }

    public LocalRole Mount => Roles[^1];

    /// <summary>Of the cluster managers whose configuration is known.</summary>
    public string[] MgmtdAddresses => Roles.OfType<LocalRole<MgmtdConfig>>()
        .Where(r => r.IsConfigured).Select(r => $"{LocalRoles.Loopback}:{r.Config.GrpcPort}").ToArray();

    /// <summary>Stores and data directories of the configurations; an operator may have put them anywhere.</summary>
    public IEnumerable<string> NeededPaths =>
        Stores().Concat(Roles.OfType<LocalRole<StorageConfig>>().SelectMany(r => r.Config.DataPaths));

    /// <summary>The cluster of an existing directory, with all that is to be known of it.</summary>
    public static Result<LocalCluster> Open(ClusterDirectory directory)
    {
        var loaded = directory.LoadPlan();
        return loaded.TryGet(out var plan) ? Create(directory, plan) : loaded.Status;
    }

    /// <summary>The cluster of a plan, with the configurations that are already there.</summary>
    public static Result<LocalCluster> Create(ClusterDirectory directory, ClusterPlan plan)
    {
        var cluster = Load(directory, plan, []);
        return cluster.Damage.Count == 0 ? cluster : cluster.Damage[0];
    }

    /// <summary>
    /// The cluster of a directory as far as it can be known, for those who have to look at one that is damaged or to
    /// end it: processes are found by their directories and pid files. Fails only where no cluster ever was.
    /// </summary>
    public static Result<LocalCluster> Find(ClusterDirectory directory)
    {
        var loaded = directory.LoadPlan();
        if (loaded.TryGet(out var plan)) return Load(directory, plan, []);
        var found = new ClusterPlan
        {
            Mgmtd = directory.HighestOf("mgmtd"),
            Meta = directory.HighestOf("meta"),
            Storage = directory.HighestOf("storage"),
            Mount = directory.DefaultMount,
        };
        if (!directory.Exists && found.Mgmtd + found.Meta + found.Storage == 0)
            return new Status(StatusCode.InvalidArgument, $"there is no cluster in {directory.Path}");

        var damage = directory.Exists
            ? loaded.Status
            : new Status(StatusCode.InvalidArgument, $"{directory.PlanFile} is missing; {directory.PutItBack("it")}");
        var cluster = Load(directory, found, [damage]);
        if (cluster.Roles.OfType<LocalRole<MgmtdConfig>>().FirstOrDefault(r => r.IsConfigured) is { } mgmtd)
        {
            found.ClusterId = mgmtd.Config.ClusterId;
            if (KvStores.IsFoundationDb(mgmtd.Config.Kv)) found.Kv = mgmtd.Config.Kv;
        }

        if (cluster.Mount is LocalRole<MountConfig> { IsConfigured: true } mount
            && Path.IsPathRooted(mount.Config.MountPoint))
        {
            found.Mount = mount.Config.MountPoint;
        }

        return cluster;
    }

    /// <summary>
    /// Whether what a cluster that was made once has written is still there. Servers would make an empty store and
    /// mount it, and every name would be gone without a word.
    /// </summary>
    public Status CheckKept()
    {
        if (!Plan.Made) return Status.Ok;
        foreach (var store in Stores().Where(s => !File.Exists(Path.Combine(s, "data.mdb"))))
        {
            return Lost(
                $"the key-value store of this cluster, {store}, "
                + $"is {(System.IO.Directory.Exists(store) ? "empty" : "missing")}, "
                + $"and with it all names of files: {Directory.PutItBack("it")}");
        }

        foreach (var storage in Roles.OfType<LocalRole<StorageConfig>>())
        {
            foreach (var path in storage.Config.DataPaths.Where(p => !System.IO.Directory.Exists(p)))
            {
                return Lost(
                    $"the data directory of {storage.Name}, {path}, is missing: put it back; "
                    + "if it is lost for good, make an empty one "
                    + "there, run `threefs up` again, and have its targets made anew as it then tells");
            }
        }

        return Status.Ok;
    }

    /// <summary>Targets that the cluster counts on and whose directories are gone, in words.</summary>
    public IReadOnlyList<string> MissingTargets(RoutingInfo routing)
    {
        var lines = new List<string>();
        foreach (var storage in Roles.OfType<LocalRole<StorageConfig>>().Where(s => s.IsConfigured))
        {
            foreach (var target in routing.Targets.Values.Where(t => t.Node.Value == storage.NodeId).OrderBy(t => t.Id))
            {
                var name = $"target-{target.Id}";
                if (storage.Config.DataPaths.Any(p => System.IO.Directory.Exists(Path.Combine(p, name)))) continue;
                lines.Add(
                    $"target {target.Id} of chain {target.Chain} is not in "
                    + $"{string.Join(", ", storage.Config.DataPaths)}; put it back, or, "
                    + "if another target of its chain serves, make it anew with: "
                    + $"threefs admin create-target {target.Id} --chain {target.Chain} --node {storage.NodeId}"
                    + Directory.Argument);
            }
        }

        return lines;
    }

    /// <summary>
    /// Writes the plan and the configurations of processes that do not run; ports that others took
    /// meanwhile are replaced.
    /// </summary>
    public Status Prepare()
    {
        try
        {
            System.IO.Directory.CreateDirectory(Directory.Path);
            if (!Plan.Made && Plan.Kv.Length == 0) System.IO.Directory.CreateDirectory(Directory.KvDirectory);
            var status = ChoosePorts();
            if (!status.IsOk) return status;
            foreach (var role in Roles.Where(r => r.Process.Pid is null))
            {
                role.Save();
                if (!Plan.Made && role is LocalRole<StorageConfig> storage)
                    foreach (var path in storage.Config.DataPaths) System.IO.Directory.CreateDirectory(path);
            }

            Directory.SavePlan(Plan);
            return Status.Ok;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new Status(StatusCode.IoError, $"cannot write to {Directory.Path}: {FileErrors.Why(e)}");
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

    /// <summary>
    /// Processes that run. One that was just started is waited for until it holds its pid file: before that nobody
    /// could end it.
    /// </summary>
    public async Task<int> CountRunningAsync()
    {
        while (Roles.Any(r => r.Process.IsStarting)) await Task.Delay(20);
        return Roles.Count(r => r.Process.Pid is not null);
    }

    /// <summary>Ends the mount, then the servers in the order in which they need each other.</summary>
    public async Task<Status> StopAsync(CancellationToken ct)
    {
        var patience = TimeSpan.FromSeconds(15);
        if (!await Mount.Process.StopAsync(patience, ct)) SayKilled(Mount, patience);
        var unmounted = await UnmountAsync(ct);
        if (!unmounted.IsOk) return unmounted;

        foreach (var command in new[] { "meta", "storage", "mgmtd" })
        {
            var roles = Roles.Where(r => r.Command == command).ToArray();
            var ended = await Task.WhenAll(roles.Select(r => r.Process.StopAsync(patience, ct)));
            for (var i = 0; i < roles.Length; i++)
            {
                if (!ended[i]) SayKilled(roles[i], patience);
            }
        }

        return Status.Ok;
    }

    /// <summary>Removes a mount whose process is gone.</summary>
    public async Task<Status> UnmountAsync(CancellationToken ct)
    {
        if (MountEntry.TypeAt(Plan.Mount) is not { } type || !type.StartsWith("fuse", StringComparison.Ordinal))
            return Status.Ok;
        using var umount =
            Process.Start(new ProcessStartInfo("umount", ["-l", Plan.Mount]) { RedirectStandardError = true })!;
        var error = await umount.StandardError.ReadToEndAsync(ct);
        await umount.WaitForExitAsync(ct);
        return umount.ExitCode == 0
            ? Status.Ok
            : new Status(StatusCode.Busy, $"cannot unmount {Plan.Mount}: {error.Trim()}");
    }

    private static LocalCluster Load(ClusterDirectory directory, ClusterPlan plan, IEnumerable<Status> damage)
    {
        var roles = LocalRoles.Create(directory, plan);
        return new LocalCluster(
            directory, plan, roles, [.. damage, .. roles.Select(r => r.Load()).Where(s => !s.IsOk)]);
    }

    /// <summary>Directories of the embedded stores that the configurations name.</summary>
    private IEnumerable<string> Stores()
    {
        var uris = Roles.OfType<LocalRole<MgmtdConfig>>().Select(r => r.Config.Kv)
            .Concat(Roles.OfType<LocalRole<Meta.Server.MetaConfig>>().Select(r => r.Config.Kv));
        return uris.Select(LmdbOptions.Parse).Where(o => o.IsOk).Select(o => o.Value.Path)
            .Where(Path.IsPathRooted).Distinct();
    }

    private Status ChoosePorts()
    {
        var fresh = Roles.Where(r => !r.IsConfigured).ToArray();
        var free = new Queue<int>(FreePorts.Take(fresh.Sum(r => r.Ports.Length)));
        foreach (var role in fresh) role.GivePorts(free.Dequeue);
        foreach (var role in Roles.Except(fresh).Where(r => r.Process.Pid is null))
        {
            foreach (var port in role.Ports.Where(p => !FreePorts.IsFree(p)))
            {
                var running = Roles.FirstOrDefault(r => r.Process.Pid is not null);
                if (role is LocalRole<MgmtdConfig> && running is not null)
                {
                    return new Status(StatusCode.Busy,
                        $"port {port} of {role.Name} is taken by another process (ss -ltnp), "
                        + "and running processes such as "
                        + $"{running.Name} know it; free the port, or run `threefs down{Directory.Argument}` first");
                }

                role.ReplacePort(port, FreePorts.Take(1)[0]);
            }
        }

        foreach (var role in Roles) role.SetMgmtd(MgmtdAddresses);
        return Status.Ok;
    }

    private static void SayKilled(LocalRole role, TimeSpan patience) =>
        Say.Progress($"{role.Name} did not end in {patience.TotalSeconds} s and was killed");

    private static Status Lost(string what) => new(StatusCode.IoError, what);
}
