using System.Buffers.Binary;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Storage.ChunkEngine.Chunks;
using ThreeFs.Storage.ChunkEngine.Device;
using ThreeFs.Storage.ChunkEngine.Records;

namespace ThreeFs.Storage.ChunkEngine.Engine;

/// <summary>
/// Brings a target from its index into memory: folded contents, their checksums, the updates above them, and the blocks in use,
/// which must be exactly those that the allocator's records say. After a power loss the units of updates that no flush covered
/// are read, and updates with torn or unreadable units are dropped together with all later ones of their chunk.
/// </summary>
internal sealed class StoreLoader(StoreCore core)
{
    private readonly Dictionary<BlockPosition, (ChunkRecord Record, ulong Pages)> _byPosition = [];
    private readonly Dictionary<ChunkId, CommitRecord> _commits = [];
    private readonly Dictionary<ChunkId, List<ChunkDelta>> _updates = [];
    private Status _failure;

    public Result<TargetRecord?> ReadTarget()
    {
        TargetRecord? target = null;
        var scan = Scan(Keys.Target, (_, value) =>
        {
            var record = TargetRecord.Read(value);
            if (record.IsOk) target = record.Value;
            else _failure = record.Status;
        });
        return scan.IsOk ? target : scan;
    }

    public async ValueTask<Status> LoadAsync(bool lostPower)
    {
        var flushed = 0UL;
        var status = Scan(Keys.Flushed, (_, value) => _failure = Flusher.ReadMark(value, out flushed));
        if (status.IsOk) status = Scan(Keys.Base, AddBase);
        if (status.IsOk) status = Scan(Keys.Checksums, AddChecksums);
        if (status.IsOk) status = CheckPages();
        if (status.IsOk) status = Scan(Keys.Commit, AddCommit);
        if (status.IsOk) status = Scan(Keys.Log, AddUpdate);
        if (status.IsOk) status = Scan(Keys.Channel, AddChannel);
        if (status.IsOk) status = core.Space.LoadBitmaps(core.Index);
        core.LastSequence = Math.Max(core.LastSequence, flushed);
        foreach (var (chunk, updates) in _updates)
        {
            if (!status.IsOk) break;
            if (lostPower) status = await DropTornAsync(chunk, updates, flushed);
            if (status.IsOk) status = Replay(chunk, updates);
        }

        if (!status.IsOk) return status;
        var code = core.WriteBatch();
        return code == StatusCode.Ok ? Status.Ok : new Status(code, "the index cannot be written");
    }

    private delegate void Visitor(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value);

    private Status Scan(byte kind, Visitor visit)
    {
        _failure = Status.Ok;
        var scan = core.Index.Scan([kind], (key, value) =>
        {
            visit(key, value);
            return _failure.IsOk;
        });
        return scan.IsOk ? _failure : scan;
    }

    private void AddBase(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        var read = BaseRecord.Read(key, value);
        if (!read.TryGet(out var folded))
        {
            _failure = read.Status;
            return;
        }

        if (!TakeBlock(key, folded.Position)) return;
        var record = core.FindOrAdd(Keys.ChunkOf(key));
        record.Committed = new ContentState(folded.Update, folded.Chain, folded.Length, folded.Crc, folded.Tag, IsRemove: false);
        record.Position = record.BasePosition = folded.Position;
        record.HighWater = Units.Count(folded.Length);
        record.Crcs = core.Arrays.RentChecksums(Units.Count((uint)folded.Position.Class.Bytes));
        core.LastSequence = Math.Max(core.LastSequence, folded.Sequence);
        _byPosition.Add(folded.Position, (record, 0));
    }

    private bool TakeBlock(ReadOnlySpan<byte> key, BlockPosition position)
    {
        var blocks = core.Space.Of(position.Class);
        if (!blocks.TryTake(position))
        {
            _failure = RecordErrors.Malformed("chunk", key, $"its block {position} belongs to another chunk too");
            return false;
        }

        blocks.Store(position);
        return true;
    }

    private void AddChecksums(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        if (value.IsEmpty || key.Length != 11)
        {
            _failure = RecordErrors.Malformed("checksum", key, "its size is wrong");
            return;
        }

        if (value[0] != FoldWriter.ChecksumsVersion)
        {
            _failure = RecordErrors.UnknownVersion("checksum", value[0], FoldWriter.ChecksumsVersion);
            return;
        }

        var position = new BlockPosition(BinaryPrimitives.ReadUInt64BigEndian(key[1..]));
        var page = BinaryPrimitives.ReadUInt16BigEndian(key[9..]);
        if (!_byPosition.TryGetValue(position, out var owner) || page >= 64)
        {
            _failure = RecordErrors.Malformed("checksum", key, "no chunk has this block");
            return;
        }

        var start = page * FoldWriter.UnitsPerPage;
        var needed = Math.Clamp(Units.Count(owner.Record.Committed.Length) - start, 0, FoldWriter.UnitsPerPage);
        if ((value.Length - 1) / sizeof(uint) < needed)
        {
            _failure = RecordErrors.Malformed("checksum", key, "it is shorter than the chunk");
            return;
        }

        for (var i = 0; i < needed; i++)
            owner.Record.Crcs![start + i] = BinaryPrimitives.ReadUInt32LittleEndian(value[(1 + i * sizeof(uint))..]);
        _byPosition[position] = (owner.Record, owner.Pages | (1UL << page));
    }

    private Status CheckPages()
    {
        foreach (var (record, pages) in _byPosition.Values)
        {
            var count = (Units.Count(record.Committed.Length) + FoldWriter.UnitsPerPage - 1) / FoldWriter.UnitsPerPage;
            var all = count == 64 ? ulong.MaxValue : (1UL << count) - 1;
            if ((pages & all) != all) return new Status(StatusCode.Corruption, $"checksums of chunk {record.Id} are missing");
        }

        return Status.Ok;
    }

    private void AddCommit(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        var read = CommitRecord.Read(key, value);
        if (read.TryGet(out var commit)) _commits.Add(Keys.ChunkOf(key), commit);
        else _failure = read.Status;
    }

    private void AddUpdate(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        var delta = core.RentDelta();
        _failure = LogRecord.Read(key, value, delta, core.Arrays, out var redo);
        if (!_failure.IsOk) return;
        if (delta.RedoCount > 0)
        {
            delta.Redo = core.RentRedo(delta.RedoCount << Units.Shift);
            if (delta.Redo is null)
            {
                _failure = new Status(StatusCode.Overloaded, "the updates to replay need more memory than BufferBytes allows");
                return;
            }

            delta.Redo.Memory.Span.Clear();
            redo.CopyTo(delta.Redo.Memory.Span);
        }

        if (delta.BlockChanged && !TakeBlock(key, delta.Position)) return;
        core.LastSequence = Math.Max(core.LastSequence, delta.Sequence);
        var chunk = Keys.ChunkOf(key);
        if (!_updates.TryGetValue(chunk, out var updates)) _updates.Add(chunk, updates = []);
        updates.Add(delta);
    }

    private void AddChannel(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        var read = ChannelRecord.Read(key, value);
        if (read.TryGet(out var update)) core.Channels.Restore(Keys.SlotOf(key), update);
        else _failure = read.Status;
    }

    private async ValueTask<Status> DropTornAsync(ChunkId chunk, List<ChunkDelta> updates, ulong flushed)
    {
        for (var i = 0; i < updates.Count; i++)
        {
            if (updates[i].Sequence <= flushed || updates[i].DirectCount == 0) continue;
            var code = await CheckDirectAsync(updates[i]);
            if (code == StatusCode.Ok) continue;
            if (code is not (StatusCode.ChecksumMismatch or StatusCode.IoError)) return new Status(code, $"the block of chunk {chunk} cannot be read");
            DropFrom(chunk, updates, i);
        }

        return Status.Ok;
    }

    private async ValueTask<StatusCode> CheckDirectAsync(ChunkDelta delta)
    {
        for (var done = 0; done < delta.DirectCount;)
        {
            var run = Math.Min(FoldWriter.UnitsPerPage, delta.DirectCount - done);
            var unit = delta.DirectStart + done;
            var lease = core.Pool.TryRent(run << Units.Shift);
            if (lease is null) return StatusCode.Overloaded;
            var memory = lease.Memory.Slice(0, run << Units.Shift);
            var offset = delta.Position.Offset + ((long)unit << Units.Shift);
            var code = await core.Device.ReadAsync(delta.Position.Class, offset, memory);
            if (code == StatusCode.Ok && !IsIntact(delta, unit, run, memory)) code = StatusCode.ChecksumMismatch;
            lease.Dispose();
            if (code != StatusCode.Ok) return code;
            done += run;
        }

        return StatusCode.Ok;
    }

    private static bool IsIntact(ChunkDelta delta, int start, int count, IoMemory content)
    {
        for (var i = 0; i < count; i++)
        {
            var valid = content.Slice(i << Units.Shift, Units.BytesOf(start + i, delta.State.Length));
            if (Crc32C.Compute(valid.Span) != delta.Crcs![start + i - delta.CrcStart]) return false;
        }

        return true;
    }

    private void DropFrom(ChunkId chunk, List<ChunkDelta> updates, int first)
    {
        Span<byte> room = stackalloc byte[Keys.MaxSize];
        for (var i = first; i < updates.Count; i++)
        {
            var delta = updates[i];
            core.Batch.DeleteOnce(Keys.ForLog(room, chunk, delta.Sequence));
            if (delta.BlockChanged) core.Space.Unstore(core.Batch, delta.Position);
            core.DropUnpublished(delta);
            core.Counters.DroppedUpdates++;
        }

        updates.RemoveRange(first, updates.Count - first);
        if (!_commits.Remove(chunk, out var commit)) return;
        var key = Keys.ForChunk(room, Keys.Commit, chunk);
        if (updates.Count == 0)
        {
            core.Batch.Delete(key);
            return;
        }

        var kept = updates[^1].Sequence <= commit.Sequence ? updates[^1] : null;
        Invariant.Check(kept is not null, "an update follows the commit of the one before");
        commit = kept.Sequence == commit.Sequence ? commit : new CommitRecord(kept.Sequence, kept.State.ChainVersion);
        commit.WriteTo(core.Batch.BeginPut(key, CommitRecord.Size));
        _commits.Add(chunk, commit);
    }

    private Status Replay(ChunkId chunk, List<ChunkDelta> updates)
    {
        if (updates.Count == 0) return Status.Ok;
        var record = core.FindOrAdd(chunk);
        var isCommitted = _commits.TryGetValue(chunk, out var commit);
        record.HasCommitRecord = isCommitted;
        foreach (var delta in updates)
        {
            if (record.Pending is not null)
                return new Status(StatusCode.Corruption, $"chunk {chunk} has two pending updates");
            if (!delta.BlockChanged && !delta.IsRemove && (!record.Committed.Exists || delta.Position != record.Position))
                return new Status(StatusCode.Corruption, $"an update of chunk {chunk} builds on a content that is not there");
            record.Pending = delta;
            if (!delta.BlockChanged) record.HighWater = Math.Max(record.HighWater, Units.Count(delta.State.Length));
            if (!isCommitted || delta.Sequence > commit.Sequence) continue;
            record.Commit(delta.Sequence == commit.Sequence ? commit.Chain : delta.State.ChainVersion, core.Arrays);
            core.ListForFold(record, delta);
            core.Channels.Record(delta.State.ToChannelUpdate(chunk));
        }

        return Status.Ok;
    }
}
