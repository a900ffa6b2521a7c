using System.Collections.Immutable;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Contracts.Routing;
using ThreeFs.Contracts.Storage;
using ThreeFs.Storage.ChunkEngine;
using ThreeFs.Storage.ChunkEngine.Simulation;
using ThreeFs.Storage.Craq;
using ThreeFs.Storage.Peers;
using ThreeFs.Storage.Recovery;
using ThreeFs.Storage.Targets;
using ThreeFs.Storage.Threading;

namespace ThreeFs.Storage.Tests.Replicas;

/// <summary>
/// A chain of two replicas on simulated disks that call each other directly, in one thread and virtual time: everything completes
/// before a call returns, but for what is posted, which <see cref="Pump"/> runs.
/// </summary>
internal sealed class ReplicaPair : IExecutor, ILease, IRoutingSource, IReplicaPeers, IStorageObserver
{
    public const uint ChunkSize = 1 << 20;
    public static readonly ChainId Chain = new(7);
    private static readonly TargetId _dead = new(9);

    private readonly Queue<(Action<object?> Work, object? State)> _posted = new();
    private readonly Replica[] _replicas;
    private ulong _sequence;
    private uint _version;

    public ReplicaPair(StorageLimits? limits = null, long resyncBytesPerSecond = 0)
    {
        SynchronizationContext.SetSynchronizationContext(null); // the owner's thread has none
        var services = new ReplicaServices(
            this, Time, this, this, this, new BufferPool(1L << 30), limits ?? new StorageLimits(), this, NullLogger.Instance)
        {
            Pace = Pace = new ResyncPace(resyncBytesPerSecond, Time), Broken = e => throw e,
        };
        Disks = [new SimulatedDisk(), new SimulatedDisk()];
        _replicas = [.. Disks.Select((d, i) => d.Open(new TargetId((ulong)i + 1), services))];
        // A target vouches for its content when it was the last one serving and serves again: here each of them.
        Apply(TargetState.LastServing, TargetState.LastServing);
        Apply(TargetState.Serving, TargetState.Serving);
    }

    public FakeTimeProvider Time { get; } = new();
    public ResyncPace Pace { get; }
    public ImmutableArray<SimulatedDisk> Disks { get; }
    public Replica Head => _replicas[0];
    public Replica Tail => _replicas[1];
    public RoutingInfo Current { get; private set; } = RoutingInfo.Empty;
    public int ReadFailures { get; private set; }
    public bool IsHeld { get; set; } = true;
    public RoutingVersion Routing { get; set; }
    public bool IsCurrent => true;

    /// <summary>The next version of the chain, head first.</summary>
    public void Apply(TargetState head, TargetState tail) => Apply([new(Head.Target, head), new(Tail.Target, tail)]);

    /// <summary>The next version has a third target between the two, whose node has died unnoticed.</summary>
    public void PutDeadBetween() => Apply(
        [new(Head.Target, TargetState.Serving), new(_dead, TargetState.Serving), new(Tail.Target, TargetState.Serving)]);

    public void PutDeadBehind() => Apply(
        [new(Head.Target, TargetState.Serving), new(Tail.Target, TargetState.Serving), new(_dead, TargetState.Serving)]);

    /// <summary>Nobody is told what a replica holds.</summary>
    public bool HoldResync { get; set; }

    /// <summary>How often somebody asked.</summary>
    public int Listings { get; private set; }

    /// <summary>Reads that replicas asked of each other, of the dead one too.</summary>
    public int PeerReads { get; private set; }

    /// <summary>The next version has the tail in front, serving.</summary>
    public void PutTailFirst(TargetState head) => Apply([new(Tail.Target, TargetState.Serving), new(Head.Target, head)]);

    private void Apply(ImmutableArray<ChainTarget> members)
    {
        var chain = new ChainInfo(Chain, new ChainVersion(++_version), members, []);
        var nodes = members.Select(t => new NodeInfo(
            NodeOf(t.Id), NodeKind.Storage, "here", 1, [], NodeState.Connected, default, ImmutableSortedDictionary<string, string>.Empty));
        var targets = members.Select(t => new TargetInfo(
            t.Id, Chain, t.State, LocalTargetState.UpToDate, NodeOf(t.Id), 0, 0, false));
        Current = new RoutingInfo(new RoutingVersion(_version), nodes, [chain], targets, []);

        // The tail first: a head that knows more than its successor is refused, and tries again later.
        Tail.Apply(Current);
        Head.Apply(Current);
        Pump();
    }

    public VersionedChain Versioned => new(Chain, new ChainVersion(_version));

    public StatusCode Write(ulong index, ReadOnlySpan<byte> bytes, uint offset = 0, ushort channel = 1) =>
        Run(WriteAsync(index, bytes, offset, channel)).Code;

    /// <summary>A write that may have to wait for time to pass.</summary>
    public ValueTask<UpdateResult> WriteAsync(ulong index, ReadOnlySpan<byte> bytes, uint offset = 0, ushort channel = 1)
    {
        var payload = Lease(bytes);
        var request = new UpdateRequest(
            Versioned, Id(index), UpdateKind.Write, offset, (uint)bytes.Length, ChunkSize, Crc32C.Compute(bytes),
            new UpdateTag(new ClientId(new Guid(9, 0, 0, new byte[8])), new ChannelId(channel), ++_sequence), default, default);
        return Release(Head.UpdateAsync(request, payload.Memory.Slice(0, bytes.Length), UpdateSource.Client, Soon), payload);
    }

    private static async ValueTask<UpdateResult> Release(ValueTask<UpdateResult> update, BufferLease payload)
    {
        using (payload) return await update;
    }

    /// <summary>A removal with a sequence of the client's channel; 0: the next one.</summary>
    public StatusCode Remove(ulong index, ulong sequence = 0)
    {
        var tag = new UpdateTag(new ClientId(new Guid(9, 0, 0, new byte[8])), new ChannelId(1), sequence == 0 ? ++_sequence : sequence);
        var request = new UpdateRequest(Versioned, Id(index), UpdateKind.Remove, 0, 0, ChunkSize, 0, tag, default, default);
        return Run(Head.UpdateAsync(request, default, UpdateSource.Client, Soon)).Code;
    }

    /// <summary>Sequence of the last update.</summary>
    public ulong Sequence => _sequence;

    public (StatusCode Code, byte[] Bytes) Read(Replica replica, ulong index, int length)
    {
        using var lease = Head.Services.Buffers.TryRent(length)!;
        var op = new ReadOp(Versioned, Id(index), 0, (uint)length);
        var result = Run(replica.ReadAsync(op, ReadFlags.None, lease.Memory.Slice(0, length), Soon));
        return (result.Code, lease.Memory.Span[..(int)result.Length].ToArray());
    }

    /// <summary>Lets maintenance run for some virtual time, tick by tick.</summary>
    public void Elapse(TimeSpan time) => Elapse(time, _replicas);

    /// <summary>The same, with maintenance of these replicas only.</summary>
    public void Elapse(TimeSpan time, params Replica[] replicas)
    {
        for (var end = Time.GetUtcNow() + time; Time.GetUtcNow() < end;)
        {
            Time.Advance(TimeSpan.FromMilliseconds(100));
            Pump();
            foreach (var replica in replicas) Run(replica.TickAsync());
        }
    }

    public void Pump()
    {
        while (_posted.TryDequeue(out var next)) next.Work(next.State);
    }

    public static byte[] Bytes(int count, ulong seed)
    {
        var bytes = new byte[count];
        new SeededRandom(seed).NextBytes(bytes);
        return bytes;
    }

    public static ChunkId Id(ulong index) => new(new InodeId(0x1234), index);

    public void Post(Action<object?> work, object? state) => _posted.Enqueue((work, state));

    public void RequestRefresh()
    {
    }

    public ValueTask<UpdateResult> UpdateAsync(NodeInfo node, UpdateRequest request, IoSlices payload, TimeSpan timeout, CancellationToken ct) =>
        At(node).UpdateAsync(request, payload, UpdateSource.Predecessor, Soon);

    public ValueTask<UpdateResult> QueryCommittedAsync(NodeInfo node, QueryCommittedRequest request, TimeSpan timeout) =>
        ValueTask.FromResult(At(node).QueryCommitted(request));

    public ValueTask<UpdateResult> SyncDoneAsync(
        NodeInfo node, VersionedChain chain, TargetId target, ChannelUpdate[] channels, TimeSpan timeout) =>
        At(node).SyncDoneAsync(chain, channels);

    public ValueTask<Result<ChunkPage>> ListChunksAsync(NodeInfo node, ListChunksRequest request, TimeSpan timeout, CancellationToken ct)
    {
        Listings++;
        var code = HoldResync ? StatusCode.Overloaded : At(node).GateResync(request.Resync);
        if (code != StatusCode.Ok) return ValueTask.FromResult<Result<ChunkPage>>(code);
        var page = new ChunkState[request.Limit];
        var count = At(node).ListChunks(request.After, page);
        return ValueTask.FromResult<Result<ChunkPage>>(
            new ChunkPage([.. page.Take(count).Select(c => c.ToMeta())], count < page.Length));
    }

    public ValueTask<ReadResult> ReadAsync(NodeInfo node, ReadOp op, ReadFlags flags, IoSlices destination, TimeSpan timeout)
    {
        PeerReads++;
        if (node.Id != NodeOf(_dead)) return At(node).ReadAsync(op, flags, destination, Soon);
        Time.Advance(timeout); // nobody says that it is dead
        return ValueTask.FromResult(new ReadResult(StatusCode.DeadlineExceeded, 0, 0, 0, default, default));
    }

    public void Forwarded(StatusCode code, TimeSpan time)
    {
    }

    public void AskedTail(StatusCode code)
    {
    }

    public void Resynced(TargetId target, bool removed, long bytes)
    {
    }

    public void Repaired(bool succeeded)
    {
    }

    public void Scrubbed(long bytes)
    {
    }

    public void ReadFailed(Replica replica) => ReadFailures++;

    public void StandingChanged(Replica replica)
    {
    }

    private Deadline Soon => Deadline.In(TimeSpan.FromSeconds(5), Time);

    private Replica At(NodeInfo node) => _replicas.Single(r => NodeOf(r.Target) == node.Id);

    private static NodeId NodeOf(TargetId target) => new((uint)target.Value + 200);

    private BufferLease Lease(ReadOnlySpan<byte> bytes)
    {
        var lease = Head.Services.Buffers.TryRent(bytes.Length)!;
        bytes.CopyTo(lease.Memory.Span);
        return lease;
    }

    public T Run<T>(ValueTask<T> operation)
    {
        var task = operation.AsTask();
        Pump();
        Assert.True(task.IsCompleted, "everything completes at once");
        return task.Result;
    }

    /// <summary>One target's device and index, and what hands the engine's alarms to the replica.</summary>
    internal sealed class SimulatedDisk : IChunkStoreObserver
    {
        private Replica? _replica;

        public SimulatedWork Work { get; } = new(new SeededRandom(1), isStepped: false);

        public SimulatedDevice Device { get; private set; } = null!;

        public SimulatedIndex Index { get; private set; } = null!;

        public Replica Open(TargetId target, ReplicaServices services)
        {
            Device = new SimulatedDevice(Work);
            Index = new SimulatedIndex(Work);
            var options = new ChunkStoreOptions { Observer = this, BootId = new Guid(1, 0, 0, new byte[8]) };
            var store = ChunkStore.CreateAsync(Device, Index, new TargetIdentity(target, Chain), options).AsTask().Result.Value;
            return _replica = new Replica(store, 0, services);
        }

        public void CorruptionDetected(ChunkId chunk, uint offset, uint length) => _replica!.ReportDamage(chunk);

        public void Unreadable(ChunkId chunk) => _replica!.ReportUnreadable(chunk);

        public bool ExpectsFaults { get; set; }

        public void Faulted(Status reason) => Assert.True(ExpectsFaults, $"the engine faulted: {reason}");
    }
}
