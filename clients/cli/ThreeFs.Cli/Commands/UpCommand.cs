using System.CommandLine;
using System.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;
using ThreeFs.Base;
using ThreeFs.Cli.Dev;
using ThreeFs.Cli.Output;
using ThreeFs.Fuse.Mounting;

namespace ThreeFs.Cli.Commands;

/// <summary>
/// `threefs up`: a whole cluster of separate background processes in one directory, mounted. On a directory that has one it
/// starts what is not running and leaves the rest alone; running it again after a failure continues where that stopped.
/// </summary>
internal static class UpCommand
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(90);

    private static readonly Option<int?> _mgmtd = Count("--mgmtd", "Cluster manager processes", 2);
    private static readonly Option<int?> _meta = Count("--meta", "Metadata server processes", 2);
    private static readonly Option<int?> _storage = Count("--storage", "Storage server processes", 3);
    private static readonly Option<int?> _targets = Count("--targets", "Targets of each storage server", 2);
    private static readonly Option<int?> _replicas = Count("--replicas", "Copies of every chunk", 3);
    private static readonly Option<string?> _chunkSize = new("--chunk-size") { Description = "Chunk size of new files, 64KiB to 64MiB [default: 1MiB]." };
    private static readonly Option<string?> _mount = new("--mount") { Description = "Where to mount [default: DIR/mnt]." };
    private static readonly Option<string?> _dir = DirOption();

    public static Option<string?> DirOption() => new("--dir") { Description = "Directory of the cluster [default: ~/.threefs/dev]." };

    public static Command Create()
    {
        var command = new Command("up", "Start a local cluster and mount it; repair what is down on a running one.")
        {
            _dir, _mount, _mgmtd, _meta, _storage, _targets, _replicas, _chunkSize,
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
        var status = await Prerequisites.EnsureAsync(ct);
        if (status.IsOk) status = MountPoint.Check(plan.Mount, directory.Role("mount"));
        if (!status.IsOk) return Say.Failure(status);

        status = directory.Make();
        if (!status.IsOk) return Say.Failure(status);
        var acquired = PidFile.Acquire(directory.LockFile);
        if (!acquired.TryGet(out var held)) return Say.Failure(new Status(acquired.Code, $"another `threefs up` or `down` works on {directory.Path}"));
        using var _ = held;

        var created = LocalCluster.Create(directory, plan);
        if (!created.TryGet(out var cluster)) return Say.Failure(created.Status);
        status = await StartAsync(cluster, ct);
        if (!status.IsOk) return Say.Failure(status);

        await using var view = ClusterView.Connect(cluster, NullLoggerFactory.Instance);
        Console.Write((await ClusterStatus.ReadAsync(cluster, view, TimeSpan.FromSeconds(2), ct)).ToText());
        Console.WriteLine();
        Console.WriteLine($"mounted at {plan.Mount} after {started.Elapsed.TotalSeconds:0.0} s; stop with: threefs down{Argument(directory)}");
        return 0;
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
        return await WhileAlive(roles, WaitUntilReadyAsync(cluster, view, limit.Token), limit);
    }

    private static async Task<Status> WaitUntilReadyAsync(LocalCluster cluster, ClusterView view, CancellationToken ct)
    {
        var status = await ClusterSetup.RunAsync(cluster.Plan, view.Mgmtd, view.Routing, view.Storage, ct);
        if (!status.IsOk) return Late(status, "the storage servers did not register", cluster);
        var serving = await view.Routing.WaitFor(r => ClusterSetup.NotServing(r).Length == 0, ct);
        if (!serving.IsOk) return Late(serving.Status, ClusterSetup.NotServing(view.Routing.Current), cluster);
        return await MountPoint.WaitUntilItAnswersAsync(cluster.Plan.Mount, ct)
            ? Status.Ok
            : Late(StatusCode.Cancelled, $"{cluster.Plan.Mount} does not answer", cluster);
    }

    /// <summary>Gives up waiting as soon as one of the started processes has ended: it will say why.</summary>
    private static async Task<Status> WhileAlive(IReadOnlyList<LocalRole> roles, Task<Status> work, CancellationTokenSource limit)
    {
        while (await Task.WhenAny(work, Task.Delay(50, CancellationToken.None)) != work)
        {
            var dead = roles.Select(r => r.Process.Failure()).FirstOrDefault(f => f is not null);
            if (dead is null) continue;
            await limit.CancelAsync();
            await work;
            return dead.Value;
        }

        return await work;
    }

    private static Status Late(Status status, string what, LocalCluster cluster) =>
        status.Code == StatusCode.Cancelled
            ? new Status(StatusCode.DeadlineExceeded, $"not ready after {_patience.TotalSeconds} s: {what}; see the logs in {cluster.Directory.Path}/*/log")
            : status;

    /// <summary>The plan of the directory, which options may not contradict, or a new one made of options and defaults.</summary>
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
            (_storage, () => plan.Storage, v => plan.Storage = v), (_targets, () => plan.Targets, v => plan.Targets = v),
            (_replicas, () => plan.Replicas, v => plan.Replicas = v),
        })
        {
            if (parsed.GetValue(option) is not { } given || given == get()) continue;
            if (directory.Exists) return Contradiction(option.Name, get().ToString(), given.ToString(), directory);
            set(given);
        }

        if (parsed.GetValue(_chunkSize) is { } text)
        {
            if (!ByteSize.TryParse(text, out var size)) return new Status(StatusCode.InvalidArgument, $"--chunk-size {text} is not a size such as 64KiB or 1MiB");
            if (directory.Exists && size != plan.ChunkSize) return Contradiction("--chunk-size", plan.ChunkSize.ToString(), text, directory);
            plan.ChunkSize = size;
        }

        var mount = parsed.GetValue(_mount) is { } given2 ? Path.TrimEndingDirectorySeparator(Path.GetFullPath(given2)) : null;
        if (directory.Exists && mount is not null && mount != plan.Mount) return Contradiction("--mount", plan.Mount, mount, directory);
        if (!directory.Exists) plan.Mount = mount ?? directory.DefaultMount;
        var status = plan.Validate();
        return status.IsOk ? plan : status;
    }

    private static Status Contradiction(string option, string has, string given, ClusterDirectory directory) => new(
        StatusCode.InvalidArgument,
        $"the cluster in {directory.Path} was created with {option} {has}, not {given}; use another --dir, or `threefs down --destroy{Argument(directory)}` first");

    private static string Argument(ClusterDirectory directory) =>
        directory.Path == ClusterDirectory.Default.Path ? "" : $" --dir {directory.Path}";

    private static Option<int?> Count(string name, string description, int standard) => new(name) { Description = $"{description} [default: {standard}]." };
}
