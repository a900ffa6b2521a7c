using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Contracts.Storage;
using ThreeFs.Storage.ChunkEngine;
using ThreeFs.Storage.ChunkEngine.Simulation;

namespace ThreeFs.Storage.Tests.ChunkEngine;

/// <summary>One target on a simulated disk, with short forms of the engine's calls.</summary>
internal sealed class Rig : IChunkStoreObserver
{
    public static readonly TargetIdentity Identity = new(new TargetId(101), new ChainId(7));
    public static readonly ChunkId Chunk = new(new InodeId(0x1234), 5);

    private ulong _sequence;

    private Rig(ulong seed, bool isStepped, ChunkStoreOptions options)
    {
        SynchronizationContext.SetSynchronizationContext(null); // the engine's thread has none
        Random = new SeededRandom(seed);
        Work = new SimulatedWork(Random.Fork(), isStepped);
        Device = new SimulatedDevice(Work);
        Index = new SimulatedIndex(Work);
        Options = options with { Observer = this, BootId = Boot(1) };
    }

    public SeededRandom Random { get; }

    public SimulatedWork Work { get; private set; }

    public SimulatedDevice Device { get; private set; }

    public SimulatedIndex Index { get; private set; }

    public ChunkStoreOptions Options { get; set; }

    public ChunkStore Store { get; private set; } = null!;

    public List<(ChunkId Chunk, uint Offset)> Corruptions { get; } = [];

    public List<Status> Faults { get; } = [];

    public BufferPool Pool { get; } = new(1L << 30);

    public uint ChunkSize { get; set; } = 1 << 20;

    public static Rig Create(ulong seed = 1, bool isStepped = false, ChunkStoreOptions? options = null)
    {
        var rig = new Rig(seed, isStepped, options ?? new ChunkStoreOptions());
        rig.Store = rig.Run(ChunkStore.CreateAsync(rig.Device, rig.Index, Identity, rig.Options)).Value;
        return rig;
    }

    /// <summary>The process or the machine dies, and the target is opened again.</summary>
    public void Crash(bool losesPower)
    {
        var work = new SimulatedWork(Random.Fork(), Work.IsStepped);
        Device = Device.Crash(Random, work, losesPower);
        Index = Index.Crash(Random, work, losesPower);
        Work = work;
        if (losesPower) Options = Options with { BootId = Boot(Random.NextUInt64()) };
        Reopen();
    }

    public void Reopen() => Store = Run(ChunkStore.OpenAsync(Device, Index, Options)).Value;

    public void Close() => Run(CloseAsync());

    /// <summary>Completes waiting work until the operation is done.</summary>
    public T Run<T>(ValueTask<T> operation)
    {
        var task = operation.AsTask();
        while (!task.IsCompleted) Assert.True(Work.Step(), "the operation waits and no work is left");
        return task.GetAwaiter().GetResult();
    }

    /// <summary>The client's channel that updates come through.</summary>
    public ushort Channel { get; set; } = 3;

    public UpdateTag NextTag() => LastTag = new(new ClientId(Boot(99)), new ChannelId(Channel), ++_sequence);

    public UpdateTag LastTag { get; private set; }

    public UpdateResult Prepare(UpdateKind kind, uint offset, ReadOnlySpan<byte> payload, uint length = 0, ChunkId? chunk = null, ulong version = 0)
    {
        var lease = Pool.TryRent(Math.Max(1, payload.Length))!;
        payload.CopyTo(lease.Memory.Span);
        var hasPayload = kind is UpdateKind.Write or UpdateKind.Replace;
        var update = new ChunkUpdate(
            chunk ?? Chunk, kind, offset, hasPayload ? (uint)payload.Length : length, ChunkSize, Crc32C.Compute(payload), NextTag(),
            new UpdateVersion(version), new ChainVersion(1));
        var result = Run(Store.PrepareAsync(update, lease.Memory.Slice(0, payload.Length)));
        lease.Dispose();
        return result;
    }

    public UpdateResult Commit(UpdateResult prepared, ChunkId? chunk = null) =>
        Run(Store.CommitAsync(chunk ?? Chunk, prepared.Update, new ChainVersion(2)));

    public UpdateResult Apply(UpdateKind kind, uint offset, ReadOnlySpan<byte> payload, uint length = 0, ChunkId? chunk = null)
    {
        var prepared = Prepare(kind, offset, payload, length, chunk);
        Assert.Equal(StatusCode.Ok, prepared.Code);
        return Commit(prepared, chunk);
    }

    public UpdateResult Write(uint offset, ReadOnlySpan<byte> payload) => Apply(UpdateKind.Write, offset, payload);

    public (ReadResult Result, byte[] Bytes) Read(uint offset, uint length, ReadContent content = ReadContent.Committed, ChunkId? chunk = null)
    {
        var lease = Pool.TryRent((int)Math.Max(1, length))!;
        lease.Memory.Span.Fill(0xEE);
        var result = Run(Store.ReadAsync(chunk ?? Chunk, offset, length, lease.Memory.Slice(0, (int)length), content));
        var bytes = lease.Memory.Span[..(int)length].ToArray();
        lease.Dispose();
        return (result, bytes);
    }

    public void AssertContent(ReadOnlySpan<byte> expected, ReadContent content = ReadContent.Committed)
    {
        var (result, bytes) = Read(0, (uint)expected.Length + 5000, content);
        Assert.Equal(StatusCode.Ok, result.Code);
        Assert.Equal((uint)expected.Length, result.Length);
        Assert.Equal((uint)expected.Length, result.ChunkLength);
        Assert.Equal(Crc32C.Compute(expected), result.Crc);
        Assert.True(bytes.AsSpan(0, expected.Length).SequenceEqual(expected), "content differs");
        Assert.False(bytes.AsSpan(expected.Length).ContainsAnyExcept((byte)0));
    }

    /// <summary>The committed state of the chunk.</summary>
    public ContentState Stored()
    {
        Assert.True(Store.TryGet(Chunk, out var state));
        return state.Committed;
    }

    /// <summary>Reads the last 3 MiB and compares them.</summary>
    public void AssertTail(byte[] whole)
    {
        var from = whole.Length - (3 << 20) - 1;
        var (result, bytes) = Read((uint)from, (uint)(whole.Length - from));
        Assert.Equal(StatusCode.Ok, result.Code);
        Assert.True(bytes.AsSpan().SequenceEqual(whole.AsSpan(from)), "content differs");
    }

    public byte[] Bytes(int count)
    {
        var bytes = new byte[count];
        Random.NextBytes(bytes);
        return bytes;
    }

    public void CorruptionDetected(ChunkId chunk, uint offset, uint length) => Corruptions.Add((chunk, offset));

    public List<ChunkId> UnreadableChunks { get; } = [];

    public void Unreadable(ChunkId chunk) => UnreadableChunks.Add(chunk);

    public void Faulted(Status reason) => Faults.Add(reason);

    private async ValueTask<bool> CloseAsync()
    {
        await Store.DisposeAsync();
        return true;
    }

    private static Guid Boot(ulong n) => new((uint)n, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8);
}
