using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Contracts.Mgmtd;
using ThreeFs.Contracts.Routing;
using ThreeFs.Storage.ChunkEngine;
using ThreeFs.Storage.ChunkEngine.Simulation;
using ThreeFs.Storage.Peers;
using ThreeFs.Storage.Targets;
using ThreeFs.Storage.Threading;

namespace ThreeFs.Storage.Tests.Simulation;

/// <summary>
/// A storage node of the simulation: one target on a simulated disk, with everything a process has in memory in one <see cref="Life"/>,
/// which a kill throws away.
/// </summary>
internal sealed class SimNode
{
    private readonly SimCluster _cluster;
    private SimulatedWork _work;
    private SimulatedDevice _device;
    private SimulatedIndex _index;
    private ulong _boot = 1;

    public SimNode(SimCluster cluster, uint id)
    {
        _cluster = cluster;
        Id = new NodeId(id);
        Target = new TargetId(100 + id);
        _work = new SimulatedWork(cluster.Loop.Random.Fork(), isStepped: true);
        _device = new SimulatedDevice(_work);
        _index = new SimulatedIndex(_work);
    }

    public NodeId Id { get; }
    public TargetId Target { get; }

    /// <summary>Null while the process is dead.</summary>
    public Life? Life { get; private set; }

    public bool IsCutOff { get; set; }

    public SimulatedDevice Device => _device;

    public Replica? Replica => Life?.Replica;

    public void Start(bool create)
    {
        Invariant.Check(Life is null, "a node runs once");
        Life = new Life(_cluster, this, _work);
        Life.Executor.Post(_ => _ = Life.OpenAsync(_device, _index, create, Boot), null);
    }

    public void Kill(bool losesPower)
    {
        var life = Life!;
        Life = null;
        life.End();
        _work = new SimulatedWork(_cluster.Loop.Random.Fork(), isStepped: true);
        _device = _device.Crash(_cluster.Loop.Random, _work, losesPower);
        _index = _index.Crash(_cluster.Loop.Random, _work, losesPower);
        if (losesPower) _boot++;
    }

    private Guid Boot => new((int)_boot, 0, 0, 1, 2, 3, 4, 5, 6, 7, (byte)Id.Value);
}

/// <summary>One process.</summary>
internal sealed class Life : IExecutor, ILease, IRoutingSource, IChunkStoreObserver, IStorageObserver
{
    public const double LeaseSeconds = 2;

    private readonly SimCluster _cluster;
    private readonly SimLoop.Line _posts;
    private readonly SimLoop.Source _disk;
    private long _leaseEnd = long.MinValue;

    public Life(SimCluster cluster, SimNode node, SimulatedWork work)
    {
        _cluster = cluster;
        Node = node;
        _posts = cluster.Loop.NewLine(this);
        _disk = cluster.Loop.NewSource(this, () => work.Waiting > 0, () => work.Step());
        Generation = ++cluster.Generations;
    }

    public SimNode Node { get; }
    public ulong Generation { get; }
    public Replica? Replica { get; private set; }
    public bool IsDead { get; private set; }
    public IExecutor Executor => this;
    public RoutingInfo Current { get; private set; } = RoutingInfo.Empty;
    public ulong Epoch { get; set; }
    public int Divergences { get; private set; }
    public bool IsCurrent => ReferenceEquals(_cluster.Loop.Current, this);
    public bool IsHeld => _cluster.Loop.Time.GetTimestamp() < _leaseEnd;

    public void Post(Action<object?> work, object? state)
    {
        if (!IsDead) _posts.Add(() => work(state));
    }

    public async Task OpenAsync(SimulatedDevice device, SimulatedIndex index, bool create, Guid boot)
    {
        var options = new ChunkStoreOptions { BootId = boot, Observer = this, BufferBytes = 64 << 20 };
        var opened = create
            ? await ChunkStore.CreateAsync(device, index, new TargetIdentity(Node.Target, SimCluster.Chain), options)
            : await ChunkStore.OpenAsync(device, index, options);
        var limits = new StorageLimits { RecoverAfter = TimeSpan.FromSeconds(1), ChunkQueue = 16 };
        var services = new ReplicaServices(
            this, _cluster.Loop.Time, new SimPeers(_cluster, this), this, this, _cluster.Buffers, limits, this, new SimLog(_cluster, Node.Id));
        Replica = new Replica(opened.Value, 0, services);
        Replica.Apply(Current);
        _ = TickAsync();
        _ = BeatAsync();
    }

    public void End()
    {
        IsDead = true;
        _posts.Close();
        _cluster.Loop.Remove(_disk);
    }

    public void RequestRefresh() => _cluster.SendRouting(Node);

    public void Receive(RoutingInfo routing)
    {
        if (routing.Version <= Current.Version) return;
        Current = routing;
        Replica?.Apply(routing);
    }

    public void Extend(long sent) => _leaseEnd = Math.Max(
        _leaseEnd, sent + (long)(LeaseSeconds * _cluster.Loop.Time.TimestampFrequency));

    private async Task TickAsync()
    {
        while (await this.DelayAsync(TimeSpan.FromMilliseconds(100), _cluster.Loop.Time, CancellationToken.None)) await Replica!.TickAsync();
    }

    private async Task BeatAsync()
    {
        do _cluster.Heartbeat(this, Replica!.Report());
        while (await this.DelayAsync(TimeSpan.FromMilliseconds(300), _cluster.Loop.Time, CancellationToken.None));
    }

    public void CorruptionDetected(ChunkId chunk, uint offset, uint length) => Replica?.ReportDamage(chunk);

    public void Faulted(Status reason) => _cluster.Write($"node {Node.Id}: engine faulted: {reason}");

    public void Forwarded(StatusCode code, TimeSpan time)
    {
    }

    public void AskedTail(StatusCode code) => _cluster.TailQuestions++;

    public void Resynced(TargetId target, bool removed, long bytes) => _cluster.ResyncedChunks++;

    public void Repaired(bool succeeded) => _cluster.Repairs += succeeded ? 1 : 0;

    public void StandingChanged(Replica replica)
    {
        if (Replica is not null) _cluster.Heartbeat(this, replica.Report());
    }
}

internal sealed class SimLog(SimCluster cluster, NodeId node) : ILogger
{
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (logLevel == LogLevel.Critical) cluster.Criticals++;
        cluster.Write($"node {node}: {formatter(state, exception)}");
    }
}
