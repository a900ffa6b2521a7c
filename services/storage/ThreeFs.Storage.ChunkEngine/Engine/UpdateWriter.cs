using System.Runtime.CompilerServices;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Base.Tasks;
using ThreeFs.Contracts.Storage;
using ThreeFs.Storage.ChunkEngine.Chunks;
using ThreeFs.Storage.ChunkEngine.Device;
using ThreeFs.Storage.ChunkEngine.Records;

namespace ThreeFs.Storage.ChunkEngine.Engine;

/// <summary>
/// Builds pending contents. Each update takes the cheapest of four ways that never overwrites a byte which a crash may bring back:
/// <list type="bullet">
/// <item>length only: a cut, or nothing to write;</item>
/// <item>inline: few bytes travel in the index and lie over the block until they are folded;</item>
/// <item>append: whole units behind everything the block ever held since it was folded are written in place, the
/// unit shared with the old end goes inline;</item>
/// <item>copy: everything into a new block.</item>
/// </list>
/// The payload is checked while its units' checksums are made; each byte is summed once.
/// </summary>
internal sealed class UpdateWriter(StoreCore core, ContentReader reader, Folder folder)
{
    /// <summary>Units composed and written at a time.</summary>
    private const int MaxRun = 256;

    private readonly Stack<UpdateJob> _idle = new();

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    public async ValueTask<UpdateResult> PrepareAsync(ChunkUpdate update, IoSlices payload)
    {
        var code = UpdateRules.CheckShape(update, payload);
        if (code != StatusCode.Ok) return new UpdateResult(code, default, default, 0, 0, default);
        var record = core.FindOrAdd(update.Chunk);
        Invariant.Check(!record.IsBusy, "the caller orders the updates of a chunk");
        code = UpdateRules.CheckVersion(record, update, out var version, out var isRepeated);
        if (isRepeated) return ResultOf(StatusCode.Ok, record, record.Pending!.State);
        if (code == StatusCode.ChunkNotFound && core.Health.IsOk)
        {
            // Nothing to remove but what was pending and is superseded.
            var dropped = PendingDrop.Run(core, record);
            if (dropped != StatusCode.Ok) code = dropped;
        }

        if (code != StatusCode.Ok || !core.Health.IsOk) return Refuse(code == StatusCode.Ok ? core.Health.Code : code, record);

        record.IsBusy = true;
        await folder.WaitForRoomAsync();
        var delta = core.RentDelta();
        delta.State = new ContentState(version, update.ChainVersion, 0, 0, update.Tag, update.Kind == UpdateKind.Remove);
        code = await BuildAsync(record, update, payload, delta);
        if (code == StatusCode.Ok) code = Publish(record, delta);
        else Abandon(record, delta);
        record.IsBusy = false;
        if (code != StatusCode.Ok) return Refuse(code, record);
        core.Counters.UpdateBytes += payload.TotalLength;
        var result = ResultOf(StatusCode.Ok, record, delta.State);
        folder.StartIfDue();
        return result;
    }

    public static UpdateResult ResultOf(StatusCode code, ChunkRecord record, in ContentState content) => new(
        code, new UpdateVersion(content.Version.Value), new CommitVersion(record.Committed.Version.Value),
        content.Length, content.Crc, content.ChainVersion);

    private UpdateResult Refuse(StatusCode code, ChunkRecord record)
    {
        var result = ResultOf(code, record, record.Committed);
        core.ForgetIfEmpty(record);
        return result;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<StatusCode> BuildAsync(ChunkRecord record, ChunkUpdate update, IoSlices payload, ChunkDelta delta)
    {
        if (delta.IsRemove)
        {
            core.Counters.MetaUpdates++;
            return StatusCode.Ok;
        }

        if (!_idle.TryPop(out var job)) job = new UpdateJob();
        job.Begin(record, update, payload, delta);
        delta.Position = record.Position;
        var code = await BuildContentAsync(job);
        if (code == StatusCode.Ok && job.PayloadCrc.Value != update.Crc && !payload.IsEmpty) code = StatusCode.ChecksumMismatch;
        if (code == StatusCode.Ok)
        {
            delta.State = delta.State with
            {
                Length = job.NewLength,
                Crc = job.IsCut ? ContentChecksum.AfterCut(job) : ContentChecksum.AfterCover(job),
            };
        }

        job.End();
        _idle.Push(job);
        return code;
    }

    private ValueTask<StatusCode> BuildContentAsync(UpdateJob job)
    {
        var record = job.Record;
        if (job.CoversNothing && job.HasOld) return BuildLengthAsync(job);
        var fits = job.HasOld && job.NewLength <= record.Position.Class.Bytes;
        var isSmall = job.UnitCount << Units.Shift <= core.Options.MaxInlineBytes;
        if (fits && isSmall) return BuildInlineAsync(job);
        if (fits && job.CoverStart == job.OldLength && Units.Count(job.OldLength) >= record.HighWater) return BuildAppendAsync(job);
        return BuildCopyAsync(job, isSmall && job.OldLength == 0);
    }

    /// <summary>Only the length changes. A cut through a unit needs the checksum of the part that stays.</summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<StatusCode> BuildLengthAsync(UpdateJob job)
    {
        core.Counters.MetaUpdates++;
        var rest = (int)(job.NewLength & (Units.Size - 1));
        if (!job.IsCut || rest == 0) return StatusCode.Ok;
        var unit = (int)(job.NewLength >> Units.Shift);
        var lease = core.Pool.TryRent(Units.Size);
        if (lease is null) return StatusCode.Overloaded;
        var code = await ReadOldAsync(job, unit, 1, lease.Memory.Slice(0, Units.Size));
        if (code == StatusCode.Ok)
        {
            RentChecksums(job, unit, 1);
            job.Delta.Crcs![0] = Crc32C.Compute(lease.Memory.Span[..rest]);
        }

        lease.Dispose();
        return code;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<StatusCode> BuildInlineAsync(UpdateJob job)
    {
        core.Counters.InlineUpdates++;
        RentChecksums(job, job.FirstUnit, job.UnitCount);
        return await ComposeRedoAsync(job, job.FirstUnit, job.UnitCount);
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<StatusCode> BuildAppendAsync(UpdateJob job)
    {
        core.Counters.AppendUpdates++;
        RentChecksums(job, job.FirstUnit, job.UnitCount);
        var firstFree = Units.Count(job.OldLength);
        if (firstFree > job.FirstUnit)
        {
            var code = await ComposeRedoAsync(job, job.FirstUnit, 1);
            if (code != StatusCode.Ok) return code;
        }

        return await WriteDirectAsync(job, firstFree, Units.Count(job.NewLength) - firstFree);
    }

    /// <param name="inline">The content is new and small: the block is taken, and gets its bytes when the update is folded.</param>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<StatusCode> BuildCopyAsync(UpdateJob job, bool inline)
    {
        if (inline) core.Counters.InlineUpdates++;
        else core.Counters.CopyUpdates++;
        var (code, position) = await folder.TakeBlockAsync(BlockSizing.Choose(job));
        if (code != StatusCode.Ok) return code;
        var delta = job.Delta;
        delta.Position = position;
        delta.BlockChanged = true;
        var units = Units.Count(job.NewLength);
        delta.CrcStart = 0;
        delta.CrcCount = units;
        delta.Crcs = core.Arrays.RentChecksums(Units.Count((uint)position.Class.Bytes));
        if (units == 0) return StatusCode.Ok;
        return inline ? await ComposeRedoAsync(job, 0, units) : await WriteDirectAsync(job, 0, units);
    }

    private void RentChecksums(UpdateJob job, int start, int count)
    {
        job.Delta.CrcStart = start;
        job.Delta.CrcCount = count;
        job.Delta.Crcs = core.Arrays.RentChecksums(count);
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<StatusCode> ComposeRedoAsync(UpdateJob job, int start, int count)
    {
        var delta = job.Delta;
        delta.Redo = core.RentRedo(count << Units.Shift);
        if (delta.Redo is null) return StatusCode.Overloaded;
        delta.RedoStart = start;
        delta.RedoCount = count;
        var memory = delta.Redo.Memory.Slice(0, count << Units.Shift);
        var code = await ComposeAsync(job, start, count, memory);
        if (code == StatusCode.Ok) SumUnits(job, start, count, memory.Span);
        return code;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<StatusCode> WriteDirectAsync(UpdateJob job, int start, int count)
    {
        var delta = job.Delta;
        delta.DirectStart = start;
        delta.DirectCount = count;
        BufferLease? lease = null;
        var code = StatusCode.Ok;
        for (var unit = start; unit < start + count && code == StatusCode.Ok; unit += MaxRun)
        {
            var run = Math.Min(MaxRun, start + count - unit);
            if (!job.TryGetPayload(unit, run, out var memory))
            {
                lease ??= core.Pool.TryRent(run << Units.Shift);
                if (lease is null) return StatusCode.Overloaded;
                memory = lease.Memory.Slice(0, run << Units.Shift);
                code = await ComposeAsync(job, unit, run, memory);
                if (code != StatusCode.Ok) break;
            }

            SumUnits(job, unit, run, memory.Span);
            var offset = delta.Position.Offset + ((long)unit << Units.Shift);
            code = await core.Device.WriteAsync(delta.Position.Class, offset, memory);
            core.IsDeviceDirty = true;
        }

        lease?.Dispose();
        return code;
    }

    /// <summary>Puts the new content of whole units together: old bytes, zeros of a gap and behind the end, payload.</summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<StatusCode> ComposeAsync(UpdateJob job, int start, int count, IoMemory destination)
    {
        var unit = start;
        while (unit < start + count)
        {
            var needed = 0;
            while (unit + needed < start + count && job.NeedsOld(unit + needed)) needed++;
            if (needed > 0)
            {
                var part = destination.Slice((unit - start) << Units.Shift, needed << Units.Shift);
                var code = await ReadOldAsync(job, unit, needed, part);
                if (code != StatusCode.Ok) return code;
            }

            unit += Math.Max(needed, 1);
        }

        var begin = (long)start << Units.Shift;
        var end = begin + destination.Length;
        ZeroRange(destination, begin, Math.Max(begin, job.OldLength), end);
        if (job.CoversNothing) return StatusCode.Ok;
        ZeroRange(destination, begin, job.CoverStart, Math.Min(job.PayloadStart, job.CoverEnd));
        var from = Math.Max(begin, job.PayloadStart);
        var to = Math.Min(end, job.PayloadEnd);
        if (from < to) job.Payload.CopyTo(from - job.PayloadStart, destination.Span.Slice((int)(from - begin), (int)(to - from)));
        return StatusCode.Ok;
    }

    private static void ZeroRange(IoMemory memory, long begin, long from, long to)
    {
        from = Math.Max(from, begin);
        to = Math.Min(to, begin + memory.Length);
        if (from < to) memory.Span.Slice((int)(from - begin), (int)(to - from)).Clear();
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<StatusCode> ReadOldAsync(UpdateJob job, int start, int count, IoMemory destination)
    {
        var snapshot = reader.Capture(job.Record, pending: false, start, count);
        var code = await reader.ReadUnitsAsync(snapshot, start, count, destination);
        reader.Release(snapshot);
        core.Counters.MergeReadBytes += destination.Length;
        if (code != StatusCode.IoError) return code;
        core.Options.Observer?.Unreadable(job.Record.Id);
        return StatusCode.ChecksumMismatch; // what is stored is lost, as if damaged; the device still takes writes
    }

    /// <summary>Makes the units' checksums, in order, and with them the payload's.</summary>
    private static void SumUnits(UpdateJob job, int start, int count, ReadOnlySpan<byte> content)
    {
        for (var i = 0; i < count; i++)
        {
            var unit = start + i;
            if (job.HasOld && job.IsUntouched(unit) && unit < Units.Count(job.OldLength))
            {
                job.Delta.Crcs![unit - job.Delta.CrcStart] = job.Record.Crcs![unit];
                continue;
            }

            var valid = Units.BytesOf(unit, job.NewLength);
            var bytes = content.Slice(i << Units.Shift, valid);
            var crc = Crc32C.Compute(bytes);
            job.Delta.Crcs![unit - job.Delta.CrcStart] = crc;
            var begin = (long)unit << Units.Shift;
            var from = (int)Math.Clamp(job.PayloadStart - begin, 0, valid);
            var to = (int)Math.Clamp(job.PayloadEnd - begin, 0, valid);
            if (from >= to) continue;
            var isWhole = from == 0 && to == valid;
            job.PayloadCrc.Add(isWhole ? crc : Crc32C.Compute(bytes[from..to]), to - from);
        }
    }

    /// <summary>Writes the update's record and makes it the pending one; from here on it survives the process.</summary>
    private StatusCode Publish(ChunkRecord record, ChunkDelta delta)
    {
        Span<byte> room = stackalloc byte[Keys.MaxSize];
        var superseded = record.Pending;
        if (superseded is not null) PendingDrop.AddTo(core, record, superseded);
        delta.Sequence = ++core.LastSequence;
        if (delta.BlockChanged) core.Space.Store(core.Batch, delta.Position);
        LogRecord.Write(
            core.Batch.BeginPut(Keys.ForLog(room, record.Id, delta.Sequence), LogRecord.SizeOf(delta)), delta);
        var code = core.WriteBatch();
        if (code != StatusCode.Ok) return code;
        if (superseded is not null) core.Retire(superseded);
        core.Places.Revoke(record); // before anybody can know of the update
        record.Pending = delta;
        if (!delta.BlockChanged && !delta.IsRemove)
            record.HighWater = Math.Max(record.HighWater, Units.Count(delta.State.Length));
        return StatusCode.Ok;
    }

    private void Abandon(ChunkRecord record, ChunkDelta delta)
    {
        // Direct units behind the end may have been written; nothing refers to them, and the next append writes them again.
        if (delta.BlockChanged) core.Space.GiveBack(delta.Position);
        core.DropUnpublished(delta);
    }
}
