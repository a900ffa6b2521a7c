using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Client.Connections;
using ThreeFs.Contracts.Routing;
using ThreeFs.Contracts.Storage;
using ThreeFs.Io;
using ThreeFs.Io.SharedMemory;
using ThreeFs.Storage.ChunkEngine;
using ThreeFs.Storage.Peers;
using ThreeFs.Storage.Recovery;
using ThreeFs.Storage.Server.BlockDevice;
using ThreeFs.Storage.Server.Peers;
using ThreeFs.Storage.Server.Requests;
using ThreeFs.Storage.Targets;
using ThreeFs.Storage.Threading;
using ThreeFs.Transport;
using ThreeFs.Transport.Rdma;

namespace ThreeFs.Storage.Server.Disks;

/// <summary>
/// The targets of this process: opened from the data paths, created on request, each on one of the reactors, ticking until it is
/// stopped. A directory that cannot be opened is left out and named; the others work.
/// </summary>
internal sealed class TargetHost : INodeControl, IAsyncDisposable
{
    /// <summary>A reactor with what its targets share.</summary>
    private sealed record Worker(Reactor Reactor, ReactorExecutor Executor, HostTransport Transport, ConnectionPool Pool, IReplicaPeers Peers);

    /// <summary>Payloads of a storage server lie in shared memory already: there is little to copy.</summary>
    public static readonly TransportOptions PeerOptions = new() { SharedBytes = 80L << 20 };

    /// <summary>Places of 16 Ki chunks of a target, 8 bytes each.</summary>
    private const int PlaceWordBytes = 128 << 10;

    private static readonly TimeSpan _reopenInterval = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan _quietInterval = TimeSpan.FromMilliseconds(10);

    private readonly StorageConfig _config;
    private readonly IReadOnlyList<DataDisk> _disks;
    private readonly Worker[] _workers;

    /// <summary>By disk: why it takes no targets; null when it does.</summary>
    private readonly string?[] _unfit;

    /// <summary>Directories of targets that could not be opened; <see cref="_creating"/> guards the list.</summary>
    private readonly List<(DataDisk Disk, string Directory, TargetId Target)> _leftOut = [];
    private readonly ConcurrentBag<IoMemory> _unusedWords = [];
    private readonly CancellationTokenSource _stopping = new();
    private Task _reopening = Task.CompletedTask;

    private readonly BufferPool _buffers;
    private readonly SharedArena? _arena;
    private readonly IRoutingSource _routing;
    private readonly ILease _lease;
    private readonly IStorageObserver _observer;
    private readonly StorageLimits _limits;
    private readonly ResyncPace _pace;
    private readonly ILogger _log;
    private readonly ILogger _replicaLog;
    private static readonly Action<object?> _applyVerdict = ApplyVerdict;
    private readonly SemaphoreSlim _creating = new(1);
    private readonly Dictionary<TargetId, Task> _ticking = [];
    private int _turn;

    public TargetHost(
        StorageConfig config, IReadOnlyList<DataDisk> disks, IReadOnlyList<Reactor> reactors, BufferPool buffers, SharedArena? arena,
        RdmaMemory? memory, IRoutingSource routing, ILease lease, IStorageObserver observer, ResyncPace pace, ILoggerFactory logs,
        SeededRandom random)
    {
        (_pace, _arena) = (pace, arena);
        (_config, _disks, _buffers, _routing, _lease, _observer) = (config, disks, buffers, routing, lease, observer);
        _unfit = new string?[disks.Count];
        _limits = new StorageLimits
        {
            Durability = config.Durability,
            ScrubBytesPerSecond = config.ScrubBytesPerSecond,
            ScrubInterval = config.ScrubInterval,
        };
        _log = logs.CreateLogger<StorageServer>();
        _replicaLog = logs.CreateLogger<Replica>();
        _workers = [.. reactors.Select(r => MakeWorker(r, arena, memory, random.Fork()))];
    }

    public ReplicaSet Replicas { get; } = new();

    private Worker MakeWorker(Reactor reactor, SharedArena? arena, RdmaMemory? memory, SeededRandom random)
    {
        var executor = new ReactorExecutor(reactor);
        var transport = HostTransport.Create(
            [reactor], _config.Transport, PeerOptions, arena, memory, text => Log.TransportNotice(_log, text)).Value;
        var pool = new ConnectionPool(transport, new ConnectionPoolOptions { PerEndpoint = 1 }, reactor.Time, random);
        return new Worker(reactor, executor, transport, pool, new ReplicaPeers(pool, executor, _buffers));
    }

    /// <summary>
    /// Opens every target on the data paths. Fails only when two directories contradict each other. What cannot be opened is left out and tried
    /// again while the process runs: a full disk, for one, does not stay full.
    /// </summary>
    public async Task<Status> OpenAllAsync()
    {
        foreach (var disk in _disks)
        {
            DeleteDiscarded(disk);
            foreach (var (id, directory) in disk.FindTargets())
            {
                if (!TargetDirectory.Exists(directory)) continue;
                var opened = await StartAsync(disk, directory, id, create: null);
                if (opened.IsOk) continue;
                if (opened.Code is StatusCode.TargetExists or StatusCode.ForeignDisk) return opened;
                Log.TargetLeftOut(_log, directory, opened);
                _leftOut.Add((disk, directory, id));
            }
        }

        if (_leftOut.Count > 0) _reopening = ReopenAsync();
        return Status.Ok;
    }

    public async ValueTask<Status> CreateTargetAsync(CreateTargetRequest request)
    {
        if (request.Target.Value == 0 || request.Chain.Value == 0) return new Status(StatusCode.InvalidArgument, "target and chain ids are not 0");
        if (request.DiskIndex < 0 || request.DiskIndex >= _disks.Count)
            return new Status(StatusCode.InvalidArgument, $"disk {request.DiskIndex} does not exist: this node has {_disks.Count} data paths");
        await _creating.WaitAsync();
        try
        {
            if (Volatile.Read(ref _unfit[request.DiskIndex]) is { } reason)
            {
                return new Status(
                    StatusCode.IoError,
                    $"disk {request.DiskIndex} of node {_config.NodeId} ({_disks[request.DiskIndex].Path}) is out of service: {reason}; "
                    + "mend it or put another in its place, restart this storage server, and try again");
            }

            if (Replicas.Find(request.Target) is { } existing)
            {
                return existing.Chain == request.Chain
                    ? Status.Ok
                    : new Status(StatusCode.TargetExists, $"target {request.Target} exists for chain {existing.Chain}, not {request.Chain}");
            }

            if (Replicas.Find(request.Chain) is { } other)
                return new Status(StatusCode.TargetExists, $"this node already holds target {other.Target} of chain {request.Chain}");
            var disk = _disks[request.DiskIndex];
            var directory = disk.DirectoryOf(request.Target);
            var status = await StartAsync(disk, directory, request.Target, new TargetIdentity(request.Target, request.Chain));
            if (status.IsOk) Log.TargetCreated(_log, request.Target, request.Chain, directory);
            return status;
        }
        finally
        {
            _creating.Release();
        }
    }

    /// <summary>
    /// Only what routing shows in no chain is deleted. A picture that is at least as new as the one in which the caller saw so is proof: a
    /// target that no chain has can become the authority of one only by way of this process. Its directory is renamed first, so that
    /// a process that dies meanwhile never opens half of it.
    /// </summary>
    public async ValueTask<Status> DestroyTargetAsync(DestroyTargetRequest request)
    {
        await _creating.WaitAsync();
        try
        {
            if (Replicas.Find(request.Target) is not { } replica)
                return new Status(StatusCode.TargetNotFound, $"node {_config.NodeId} does not hold target {request.Target}");
            var routing = _routing.Current;
            if (request.Routing.Value == 0 || routing.Version < request.Routing)
            {
                _routing.RequestRefresh();
                return new Status(StatusCode.Busy, $"node {_config.NodeId} has not heard yet that target {request.Target} is in no chain; try again");
            }

            if (routing.Targets.TryGetValue(request.Target, out var member))
                return new Status(StatusCode.InvalidArgument, $"target {request.Target} is in chain {member.Chain}; remove it from there first");
            var status = await CloseAsync(replica);
            if (!status.IsOk) return status;
            Replicas.Remove(replica);
            Metrics.Forget(replica);
            status = _disks[replica.DiskIndex].Discard(replica.Target);
            if (!status.IsOk) return status;
            Log.TargetDestroyed(_log, replica.Target, replica.Chain);
            DeleteDiscarded(_disks[replica.DiskIndex]);
            return Status.Ok;
        }
        finally
        {
            _creating.Release();
        }
    }

    private async Task ReopenAsync()
    {
        using var timer = new PeriodicTimer(_reopenInterval, _workers[0].Reactor.Time);
        try
        {
            while (_leftOut.Count > 0 && await timer.WaitForNextTickAsync(_stopping.Token))
            {
                await _creating.WaitAsync(_stopping.Token);
                try
                {
                    foreach (var left in _leftOut.ToArray())
                    {
                        var isOver = Replicas.Find(left.Target) is not null || !TargetDirectory.Exists(left.Directory);
                        if (isOver || (await StartAsync(left.Disk, left.Directory, left.Target, create: null)).IsOk) _leftOut.Remove(left);
                    }
                }
                finally
                {
                    _creating.Release();
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The process ends.
        }
    }

    /// <summary>In the background: large files take their time, and nobody waits for the space but the next target.</summary>
    private void DeleteDiscarded(DataDisk disk) => Task.Run(() =>
    {
        var status = disk.DeleteDiscarded();
        if (!status.IsOk) Log.DiscardedLeft(_log, disk.Path, status);
    });

    /// <summary>Stops a target, waits for what is under way, and closes its store. May be repeated.</summary>
    private async ValueTask<Status> CloseAsync(Replica replica)
    {
        var worker = WorkerOf(replica);
        await worker.Reactor.InvokeAsync(async () => await replica.DisposeAsync());
        Task ticking;
        lock (_ticking) ticking = _ticking[replica.Target];
        await ticking;
        var quiet = Threading.Deadline.In(_config.DrainTime, worker.Reactor.Time);
        while (replica.InFlight > 0)
        {
            if (quiet.IsOver(worker.Reactor.Time))
                return new Status(StatusCode.Busy, $"target {replica.Target} still answers {replica.InFlight} requests; try again");
            await Task.Delay(_quietInterval, worker.Reactor.Time);
        }

        await worker.Reactor.InvokeAsync(async () => await replica.Store.DisposeAsync());
        lock (_ticking) _ticking.Remove(replica.Target);
        return Status.Ok;
    }

    public IReadOnlyList<DiskSpace> GetSpace()
    {
        var all = Replicas.All;
        return [.. _disks.Select(d => d.GetSpace(all.Where(r => r.DiskIndex == d.Index).Sum(r => r.UsedBytes), _config.ReservedBytes))];
    }

    private async Task<Status> StartAsync(DataDisk disk, string directory, TargetId id, TargetIdentity? create)
    {
        var worker = _workers[_turn++ % _workers.Length];
        return await worker.Reactor.InvokeAsync(() => StartHereAsync(worker, disk, directory, id, create));
    }

    private async ValueTask<Status> StartHereAsync(Worker worker, DataDisk disk, string directory, TargetId id, TargetIdentity? create)
    {
        var observer = new StoreObserver(_log);
        var words = TakeWords();
        var options = new ChunkStoreOptions
        {
            BufferBytes = _config.EngineBufferBytes, ReservedBytes = _config.ReservedBytes, Observer = observer, PlaceWords = words,
        };
        var opened = create is { } identity
            ? await TargetDirectory.CreateAsync(worker.Reactor, directory, identity, options)
            : await TargetDirectory.OpenAsync(worker.Reactor, directory, options);
        if (!opened.TryGet(out var store))
        {
            _unusedWords.Add(words); // nobody was told of them
            return opened.Status;
        }

        if (store.Identity.Target != id)
        {
            await store.DisposeAsync();
            return new Status(StatusCode.ForeignDisk, $"{directory} holds target {store.Identity.Target}, its name says {id}");
        }

        var services = new ReplicaServices(
            worker.Executor, worker.Reactor.Time, worker.Peers, _routing, _lease, _buffers, _limits, _observer, _replicaLog)
        {
            Pace = _pace, Broken = e => Break(store.Identity.Target, e),
        };
        var replica = new Replica(store, disk.Index, services);
        observer.Replica = replica;
        var added = Replicas.Add(replica);
        if (!added.IsOk)
        {
            await store.DisposeAsync();
            return added;
        }

        if (create is null)
            Log.TargetOpened(_log, replica.Target, replica.Chain, directory, store.ChunkCount, store.WasClosedCleanly, store.LostPower);
        replica.Apply(_routing.Current);
        lock (_ticking) _ticking[replica.Target] = TickAsync(worker, replica);
        _observer.StandingChanged(replica);
        return Status.Ok;
    }

    /// <summary>Never given back while the process lives: a client may look at a word for as long as it likes.</summary>
    private IoMemory TakeWords() => _unusedWords.TryTake(out var words) ? words
        : _arena?.Allocate(PlaceWordBytes) is { } address and not 0 ? new IoMemory(address, PlaceWordBytes) : default;

    /// <summary>Takes the targets of a disk that is not fit out of service, and brings them back when it is.</summary>
    public void DiskJudged(int diskIndex, DiskVerdict verdict)
    {
        Volatile.Write(ref _unfit[diskIndex], verdict.State is DiskState.Failing or DiskState.Hung ? verdict.Reason : null);
        foreach (var replica in Replicas.All)
        {
            if (replica.DiskIndex == diskIndex && (verdict.State != DiskState.Good || replica.IsTakenOut)) replica.Services.Executor.Post(_applyVerdict, (replica, verdict));
        }
    }

    private static void ApplyVerdict(object? state)
    {
        var (replica, verdict) = ((Replica, DiskVerdict))state!;
        if (verdict.State == DiskState.Good) replica.BringBack("its disk works again");
        else if (verdict.State == DiskState.Slow && replica.IsWaitedFor) replica.BringBack("its chain has no other one, and a slow disk serves better than none");
        else replica.TakeOut(new Status(StatusCode.IoError, verdict.Reason), unlessLast: verdict.State == DiskState.Slow);
    }

    private async Task TickAsync(Worker worker, Replica replica)
    {
        try
        {
            using var timer = new PeriodicTimer(replica.Services.Limits.MaintainInterval, worker.Reactor.Time);
            while (!replica.IsStopped && await timer.WaitForNextTickAsync()) await replica.TickAsync();
        }
        catch (Exception e)
        {
            Break(replica.Target, e);
        }
    }

    /// <summary>A defect: what is in memory cannot be relied on, what is on disk can.</summary>
    private void Break(TargetId target, Exception exception)
    {
        Log.TickBroke(_log, target, exception);
        Environment.FailFast($"maintenance of target {target} broke", exception);
    }

    /// <summary>Every target refuses requests from now on and says so in its reports.</summary>
    public async Task StopServingAsync()
    {
        await _stopping.CancelAsync();
        await _reopening;
        foreach (var replica in Replicas.All)
        {
            var worker = WorkerOf(replica);
            await worker.Reactor.InvokeAsync(async () => await replica.DisposeAsync());
        }
    }

    /// <summary>Closes the stores. Only a quiet one is closed cleanly; another is left as if the process had died, which is safe.</summary>
    public async ValueTask DisposeAsync()
    {
        await StopServingAsync();
        Task[] ticking;
        lock (_ticking) ticking = [.. _ticking.Values];
        await Task.WhenAll(ticking);
        foreach (var replica in Replicas.All)
        {
            await WorkerOf(replica).Reactor.InvokeAsync(async () =>
            {
                if (replica.InFlight == 0) await replica.Store.DisposeAsync();
                else Log.NotQuiet(_log, replica.Target, replica.InFlight);
            });
        }

        foreach (var worker in _workers)
        {
            await worker.Pool.DisposeAsync();
            await worker.Transport.DisposeAsync();
        }
    }

    private Worker WorkerOf(Replica replica) => Array.Find(_workers, w => ReferenceEquals(w.Executor, replica.Services.Executor))!;
}
