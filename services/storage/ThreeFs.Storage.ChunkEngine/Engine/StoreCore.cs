using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Contracts.Storage;
using ThreeFs.Storage.ChunkEngine.Allocation;
using ThreeFs.Storage.ChunkEngine.Channels;
using ThreeFs.Storage.ChunkEngine.Chunks;
using ThreeFs.Storage.ChunkEngine.Device;
using ThreeFs.Storage.ChunkEngine.Index;
using ThreeFs.Storage.ChunkEngine.Records;

namespace ThreeFs.Storage.ChunkEngine.Engine;

/// <summary>
/// What the parts of an engine share: the chunks in memory, the one batch, buffers, and the health. A failed write to the
/// index, or a failed flush, leaves memory and disk apart in a way nobody can tell, so it faults the engine: reads go on,
/// updates are refused, and the next opening starts from what is on disk.
/// </summary>
internal sealed class StoreCore : IDisposable
{
    private readonly Dictionary<ChunkId, ChunkRecord> _chunks = [];
    private readonly SortedSet<ChunkRecord> _ordered = new(Comparer<ChunkRecord>.Create((a, b) => a.Id.CompareTo(b.Id)));
    private readonly List<ChunkRecord> _heldCommits = [];
    private readonly Stack<ChunkDelta> _idleDeltas = new();

    public StoreCore(IBlockDevice device, IChunkIndex index, ChunkStoreOptions options)
    {
        Device = device;
        Index = index;
        Options = options;
        Space = new BlockSpace(device, options);
        Pool = new BufferPool(options.BufferBytes);
        Channels = new ChannelTable(options.Channels);
        Places = new PlaceTable(options.PlaceWords);
    }

    public IBlockDevice Device { get; }

    public IChunkIndex Index { get; }

    public ChunkStoreOptions Options { get; }

    public BlockSpace Space { get; }

    public BufferPool Pool { get; }

    public ChannelTable Channels { get; }

    /// <summary>Slots that the running fold writes at its end; who writes or clears slots meanwhile takes them out.</summary>
    public List<(int Slot, ChannelUpdate Update)> ChannelsToFold { get; } = [];

    /// <summary>Places that readers keep.</summary>
    public PlaceTable Places { get; }

    public UnitArrays Arrays { get; } = new();

    public ReaderGate Readers { get; } = new();

    public EngineCounters Counters { get; } = new();

    /// <summary>Records of the next write to the index; empty between two calls into the engine.</summary>
    public IndexBatch Batch { get; } = new();

    public Status Health { get; private set; }

    /// <summary>Sequence of the newest update.</summary>
    public ulong LastSequence { get; set; }

    /// <summary>A write to the device completed since the last device flush began.</summary>
    public bool IsDeviceDirty { get; set; }

    /// <summary>Bytes of redo content in memory.</summary>
    public long OverlayBytes { get; private set; }

    /// <summary>Committed updates that are not folded.</summary>
    public int UnfoldedUpdates { get; set; }

    /// <summary>Bytes of the blocks that such updates took: as many are replaced by them, or will be.</summary>
    public long UnfoldedBlockBytes { get; set; }

    /// <summary>Chunks with such updates.</summary>
    public List<ChunkRecord> Unfolded { get; } = [];

    /// <summary>Redo content that a read may still use; freed after the next wait for readers.</summary>
    public List<BufferLease> RetiredLeases { get; } = [];

    public IReadOnlyDictionary<ChunkId, ChunkRecord> Chunks => _chunks;

    public SortedSet<ChunkRecord> Ordered => _ordered;

    public bool HasHeldCommits => _heldCommits.Count > 0;

    public ChunkRecord? Find(ChunkId chunk) => _chunks.GetValueOrDefault(chunk);

    public ChunkRecord FindOrAdd(ChunkId chunk)
    {
        if (_chunks.TryGetValue(chunk, out var record)) return record;
        record = new ChunkRecord(chunk);
        _chunks.Add(chunk, record);
        _ordered.Add(record);
        return record;
    }

    /// <summary>Takes the chunk out of memory when nothing is left of it.</summary>
    public void ForgetIfEmpty(ChunkRecord record)
    {
        if (!record.IsForgotten || record.IsCommitHeld || record.IsListedForFold) return;
        _chunks.Remove(record.Id);
        _ordered.Remove(record);
    }

    public ChunkDelta RentDelta() => _idleDeltas.TryPop(out var delta) ? delta : new ChunkDelta();

    /// <summary>Redo content for an update; null when the pool is exhausted.</summary>
    public BufferLease? RentRedo(int bytes)
    {
        var lease = Pool.TryRent(bytes);
        if (lease is not null) OverlayBytes += lease.Capacity;
        return lease;
    }

    public void ReturnRedo(BufferLease lease)
    {
        OverlayBytes -= lease.Capacity;
        lease.Dispose();
    }

    /// <summary>Disposes of an update that nobody reads: one that was never published.</summary>
    public void DropUnpublished(ChunkDelta delta)
    {
        if (delta.Redo is not null) ReturnRedo(delta.Redo);
        Recycle(delta);
    }

    /// <summary>Disposes of an update that readers may have seen.</summary>
    public void Retire(ChunkDelta delta)
    {
        if (delta.Redo is not null) RetiredLeases.Add(delta.Redo);
        Recycle(delta);
    }

    public void FreeRetiredLeases(int count)
    {
        for (var i = 0; i < count; i++) ReturnRedo(RetiredLeases[i]);
        RetiredLeases.RemoveRange(0, count);
    }

    public void HoldCommit(ChunkRecord record)
    {
        if (record.IsCommitHeld) return;
        record.IsCommitHeld = true;
        _heldCommits.Add(record);
    }

    /// <summary>The chunk has one more committed update to fold.</summary>
    public void ListForFold(ChunkRecord record, ChunkDelta delta)
    {
        UnfoldedUpdates++;
        if (delta.BlockChanged) UnfoldedBlockBytes += delta.Position.Class.Bytes;
        if (record.IsListedForFold) return;
        record.IsListedForFold = true;
        Unfolded.Add(record);
    }

    /// <summary>Writes the batch together with all commits held back, and empties it. Nothing happens when both are empty.</summary>
    public StatusCode WriteBatch()
    {
        AddHeldCommits();
        if (Batch.IsEmpty) return StatusCode.Ok;
        var code = Health.IsOk ? Index.Write(Batch) : Health.Code;
        Batch.Clear();
        if (code != StatusCode.Ok) return Fault(code, "a write to the index failed");
        foreach (var record in _heldCommits)
        {
            record.IsCommitHeld = false;
            record.HasCommitRecord = true;
        }

        _heldCommits.Clear();
        return StatusCode.Ok;
    }

    public StatusCode Fault(StatusCode code, string what)
    {
        if (!Health.IsOk) return Health.Code;
        Health = new Status(code, $"{what}; the target takes no updates until it is opened again");
        Options.Observer?.Faulted(Health);
        return code;
    }

    public void Dispose() => Pool.Dispose();

    private void Recycle(ChunkDelta delta)
    {
        Arrays.Return(delta.Crcs);
        delta.Reset();
        if (_idleDeltas.Count < Options.FoldAtUpdates) _idleDeltas.Push(delta);
    }

    private void AddHeldCommits()
    {
        Span<byte> room = stackalloc byte[Keys.MaxSize];
        foreach (var record in _heldCommits)
        {
            var newest = record.Newest;
            Invariant.Check(newest is not null, "an update is folded after its commit is in the index");
            var value = Batch.BeginPut(Keys.ForChunk(room, Keys.Commit, record.Id), CommitRecord.Size);
            new CommitRecord(newest.Sequence, newest.State.ChainVersion).WriteTo(value);
        }
    }
}
