using System.CommandLine;
using System.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;
using ThreeFs.Base;
using ThreeFs.Cli.Dev;
using ThreeFs.Cli.Output;
using ThreeFs.Fuse.Mounting;
using ThreeFs.Hosting;
using ThreeFs.Transport;

namespace ThreeFs.Cli.Commands;

/// <summary>
/// `threefs up`: a whole cluster of separate background processes in one directory, mounted. On a directory that has
/// one it starts what is not running and leaves the rest alone; running it again after a failure continues where that
/// stopped. Done when every process that was started is known to the cluster manager and every target serves.
/// </summary>
internal static class UpCommand
{
    private const int MaxReplicas = ClusterPlan.MaxProcesses;

    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(50);

    private static readonly Option<int?> _mgmtd = Count("--mgmtd", "Cluster manager processes", 2);
    private static readonly Option<int?> _meta = Count("--meta", "Metadata server processes", 2);
    private static readonly Option<int?> _storage = Count("--storage", "Storage server processes", 3);
    private static readonly Option<int?> _targets = Count("--targets", "Targets of each storage server", 2);
    private static readonly Option<int?> _replicas = CountOption.Create(
        "--replicas", "Copies of every chunk", 3, MaxReplicas);

    private static readonly Option<string?> _chunkSize = new("--chunk-size")
    {
        Description = "Chunk size of new files, 64KiB to 64MiB [default: 1MiB].",
    };

    private static readonly Option<TransportChoice?> _transport = new("--transport")
    {
        Description =
            "How processes reach each other: Auto (the best that both sides can), Shm, Rdma or Tcp [default: Auto].",
    };

    private static readonly Option<string?> _kv = new("--kv")
    {
        Description = "Where metadata is kept: fdb:FILE, a FoundationDB cluster file [default: embedded, in DIR/kv].",
    };

    private static readonly Option<string?> _mount = PathOption.Create("--mount", "Where to mount [default: DIR/mnt].");
    private static readonly Option<string?> _dir = DirOption();

    public static Option<string?> DirOption() =>
        PathOption.Create("--dir", "Directory of the cluster [default: ~/.threefs/dev].");

    public static Command Create()
    {
        var command = new Command("up", "Start a local cluster and mount it; repair what is down on a running one.")
        {
            _dir, _mount, _mgmtd, _meta, _storage, _targets, _replicas, _chunkSize, _transport, _kv,
        };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken ct)
    {
        var started = Stopwatch.StartNew();
        var directory = ClusterDirectory.At(parsed.GetValue(_dir));
        var planned = Plan(parsed, directory);
        if (!planned.TryGet(out var plan)) return Say.Failure(planned.Status);
        var status = await Prerequisites.EnsureAsync(plan, ct);
        if (status.IsOk) status = MountPoint.Check(plan.Mount, directory);
        if (status.IsOk) status = directory.Make();
        if (!status.IsOk) return Say.Failure(status);

        var acquired = PidFile.Acquire(directory.LockFile);
        if (!acquired.TryGet(out var held))
            return Say.Failure(new Status(acquired.Code, $"another `threefs up` or `down` works on {directory.Path}"));
        using var _ = held;

        var created = LocalCluster.Create(directory, plan);
        if (!created.TryGet(out var cluster)) return Say.Failure(created.Status);
        status = MountPoint.CheckApart(plan.Mount, cluster.NeededPaths);
        if (status.IsOk) status = cluster.CheckKept();
        if (status.IsOk) status = DiskNeed.Check(directory, plan);
        if (!status.IsOk) return Say.Failure(status);
        status = await TryStartAsync(cluster, ct);
        if (!status.IsOk) return await SayWhatRunsAsync(cluster, status, ct);

        await using var view = ClusterView.Connect(cluster, NullLoggerFactory.Instance);
        Console.Write((await ClusterStatus.ReadAsync(cluster, view, TimeSpan.FromSeconds(2), ct)).ToText());
        Console.WriteLine();
        var took = $"{started.Elapsed.TotalSeconds:0.0} s";
        Console.WriteLine($"mounted at {plan.Mount} after {took}; stop with: threefs down{directory.Argument}");
        return 0;
    }

    private static async Task<Status> TryStartAsync(LocalCluster cluster, CancellationToken ct)
    {
        try
        {
            return await StartAsync(cluster, ct);
        }
        catch (OperationCanceledException)
        {
            return StatusCode.Cancelled;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new Status(StatusCode.IoError, Hosting.FileErrors.Sentence(e));
        }
    }

    private static async Task<Status> StartAsync(LocalCluster cluster, CancellationToken ct)
    {
        if (cluster.Mount.Process.Pid is null)
        {
            var unmounted = await cluster.UnmountAsync(ct);
            if (!unmounted.IsOk) return unmounted;
        }

        var status = cluster.Prepare();
        if (!status.IsOk) return status;

        // One that is mounted exists, and asking it may wait for a metadata server that is started only below.
        if (MountEntry.TypeAt(cluster.Plan.Mount) is null) Directory.CreateDirectory(cluster.Plan.Mount);
        var roles = cluster.StartMissing();
        Say.Progress(roles.Count == 0 ? "everything runs" : $"started {string.Join(", ", roles.Select(r => r.Name))}");

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(_patience);
        await using var view = ClusterView.Connect(cluster, NullLoggerFactory.Instance);
        return await WhileAlive(roles, WaitUntilReadyAsync(cluster, roles, view, limit.Token), limit);
    }

    private static async Task<Status> WaitUntilReadyAsync(
        LocalCluster cluster, IReadOnlyList<LocalRole> started, ClusterView view, CancellationToken ct)
    {
        var status = await ClusterSetup.RunAsync(cluster.Plan, view.Mgmtd, view.Routing, view.Storage, ct);
        if (!status.IsOk) return Late(status, "the storage servers did not register", cluster);
        if (!cluster.Plan.Made)
        {
            cluster.Plan.Made = true;
            cluster.Directory.SavePlan(cluster.Plan);
        }

        var registered = await view.Routing.WaitFor(r => Registration.Missing(started, r).Count == 0, ct);
        if (!registered.IsOk)
        {
            var missing = Registration.Missing(started, view.Routing.Current);
            return Late(registered.Status, $"{string.Join(", ", missing)} did not register", cluster);
        }

        status = await WaitUntilAllServeAsync(cluster, view, ct);
        if (!status.IsOk) return status;
        return await MountPoint.WaitUntilItAnswersAsync(cluster.Plan.Mount, ct)
            ? Status.Ok
            : Late(StatusCode.Cancelled, $"{cluster.Plan.Mount} does not answer", cluster);
    }

    private static async Task<Status> WaitUntilAllServeAsync(
        LocalCluster cluster, ClusterView view, CancellationToken ct)
    {
        using var check = new ServingCheck(view.Storage.Admin);
        IReadOnlyList<NotServing> missing = [];
        while (!ct.IsCancellationRequested)
        {
            missing = await check.LookAsync(view.Routing.Current, ct);
            if (missing.Count == 0) return Status.Ok;
            if (cluster.MissingTargets(view.Routing.Current) is [var lost, ..])
                return new Status(StatusCode.TargetNotFound, lost);
            await Task.WhenAny(Task.Delay(_pause, ct));
        }

        return Late(StatusCode.Cancelled, string.Join(", ", missing), cluster);
    }

    /// <summary>Gives up waiting as soon as one of the started processes has ended: it will say why.</summary>
    private static async Task<Status> WhileAlive(
        IReadOnlyList<LocalRole> roles, Task<Status> work, CancellationTokenSource limit)
    {
        while (await Task.WhenAny(work, Task.Delay(_pause, CancellationToken.None)) != work)
        {
            var dead = roles.Select(r => r.Process.Failure()).FirstOrDefault(f => f is not null);
            if (dead is null) continue;
            await limit.CancelAsync();
            await work;
            return dead.Value;
        }

        return await work;
    }

    /// <summary>An `up` that does not end well leaves processes behind: how many, and what to do with them.</summary>
    private static async Task<int> SayWhatRunsAsync(LocalCluster cluster, Status status, CancellationToken ct)
    {
        var running = await cluster.CountRunningAsync();
        var directory = cluster.Directory;
        var left = $"{running} processes of the cluster in {directory.Path} run on; "
            + $"go on with `threefs up{directory.Argument}`, stop them with `threefs down{directory.Argument}`";
        if (ct.IsCancellationRequested) return Say.Interrupted(running == 0 ? "nothing of the cluster runs" : left);
        var code = Say.Failure(status);
        if (running > 0) Say.Progress(left);
        return code;
    }

    private static Status Late(Status status, string what, LocalCluster cluster) =>
        status.Code == StatusCode.Cancelled
            ? new Status(
                StatusCode.DeadlineExceeded,
                $"not ready after {_patience.TotalSeconds} s: {what}; see the logs in {cluster.Directory.Path}/*/log")
            : status;

    /// <summary>
    /// The plan of the directory, which options may not contradict, or a new one made of options and defaults.
    /// </summary>
    private static Result<ClusterPlan> Plan(ParseResult parsed, ClusterDirectory directory)
    {
        var plan = new ClusterPlan();
        if (directory.Exists)
        {
            var loaded = directory.LoadPlan();
            if (!loaded.TryGet(out plan)) return loaded.Status;
        }

        foreach (var (option, get, set) in new (Option<int?>, Func<int>, Action<int>)[]
        {
            (_mgmtd, () => plan.Mgmtd, v => plan.Mgmtd = v), (_meta, () => plan.Meta, v => plan.Meta = v),
            (_storage, () => plan.Storage, v => plan.Storage = v),
            (_targets, () => plan.Targets, v => plan.Targets = v),
            (_replicas, () => plan.Replicas, v => plan.Replicas = v),
        })
        {
            if (parsed.GetValue(option) is not { } given || given == get()) continue;
            if (directory.Exists) return Contradiction(option.Name, get().ToString(), given.ToString(), directory);
            set(given);
        }

        if (parsed.GetValue(_chunkSize) is { } text)
        {
            if (!ByteSize.TryParse(text, out var size))
            {
                return new Status(
                    StatusCode.InvalidArgument,
                    $"--chunk-size {ShellText.Quote(text)}: must be a size such as 64KiB or 1MiB");
            }

            if (directory.Exists && size != plan.ChunkSize)
                return Contradiction("--chunk-size", plan.ChunkSize.ToString(), text, directory);
            plan.ChunkSize = size;
        }

        if (parsed.GetValue(_transport) is { } transport)
        {
            if (directory.Exists && transport != plan.Transport)
                return Contradiction("--transport", plan.Transport.ToString(), transport.ToString(), directory);
            plan.Transport = transport;
        }

        if (parsed.GetValue(_kv) is { } kv)
        {
            var status = SetKv(plan, kv, directory);
            if (!status.IsOk) return status;
        }

        var mount = parsed.GetValue(_mount) is { } path
            ? Path.TrimEndingDirectorySeparator(Path.GetFullPath(path))
            : null;
        if (directory.Exists && mount is not null && mount != plan.Mount)
            return Contradiction("--mount", plan.Mount, mount, directory);
        if (!directory.Exists) plan.Mount = mount ?? directory.DefaultMount;
        var valid = plan.Validate();
        return valid.IsOk ? plan : valid;
    }

    private static Status SetKv(ClusterPlan plan, string uri, ClusterDirectory directory)
    {
        if (!KvStores.IsFoundationDb(uri))
        {
            return new Status(
                StatusCode.InvalidArgument, $"--kv {ShellText.Quote(uri)}: expected fdb:/path/to/fdb.cluster");
        }

        var absolute = KvStores.MakeAbsolute(uri);
        if (!absolute.IsOk) return absolute.Status;
        if (directory.Exists && absolute.Value != plan.Kv)
            return Contradiction("--kv", plan.Kv.Length > 0 ? plan.Kv : "embedded", absolute.Value, directory);
        if (directory.Exists) return Status.Ok;

        // Other clusters' keys are in the same database: each has an id of its own.
        plan.Kv = absolute.Value;
        plan.ClusterId = $"dev-{Guid.NewGuid():n}"[..16];
        return Status.Ok;
    }

    private static Status Contradiction(string option, string has, string given, ClusterDirectory directory) => new(
        StatusCode.InvalidArgument,
        $"the cluster in {directory.Path} was created with {option} {has}, not {given}; "
        + $"use another --dir, or `threefs down --destroy{directory.Argument}` first");

    private static Option<int?> Count(string name, string description, int standard) =>
        CountOption.Create(name, description, standard, ClusterPlan.MaxProcesses);
}
