using System.Runtime.CompilerServices;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Base.Tasks;
using ThreeFs.Contracts.Storage;
using ThreeFs.Storage.ChunkEngine.Chunks;
using ThreeFs.Storage.ChunkEngine.Device;

namespace ThreeFs.Storage.ChunkEngine.Engine;

/// <summary>
/// Reads contents: units from memory where an update lies over them, the rest from the block, every touched unit checked.
/// Straight into the caller's memory when offset and address are aligned and whole units fit, else through a buffer.
/// </summary>
internal sealed class ContentReader(StoreCore core)
{
    /// <summary>Most units in one device read, and in the buffer of an unaligned read.</summary>
    private const int MaxRun = 256;

    private readonly Stack<ContentSnapshot> _idle = new();

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    public async ValueTask<ReadResult> ReadAsync(
        ChunkRecord record, uint offset, uint length, IoSlices destination, bool pending)
    {
        var state = pending ? record.Pending!.State : record.Committed;
        var update = new UpdateVersion(state.Version.Value);
        var commit = new CommitVersion(record.Committed.Version.Value);
        core.Counters.Reads++;
        if (length == 0 || offset >= state.Length)
        {
            Clear(destination, 0, length);
            return new ReadResult(StatusCode.Ok, 0, 0, state.Length, update, commit);
        }

        var bytes = Math.Min(length, state.Length - offset);
        var start = (int)(offset >> Units.Shift);
        var count = (int)((offset + bytes - 1) >> Units.Shift) - start + 1;
        var snapshot = Capture(record, pending, start, count);
        var crc = new RunningCrc();
        var code = StatusCode.Ok;
        for (var unit = start; unit < start + count && code == StatusCode.Ok; unit += MaxRun)
        {
            var run = Math.Min(MaxRun, start + count - unit);
            (code, crc) = IsDirect(destination, offset, length, unit, run)
                ? await ReadDirectAsync(snapshot, unit, run, destination[0], offset, bytes, crc)
                : await ReadBufferedAsync(snapshot, unit, run, destination, offset, bytes, crc);
        }

        Release(snapshot);
        if (code != StatusCode.Ok) return new ReadResult(code, 0, 0, state.Length, update, commit);
        Clear(destination, bytes, length);
        core.Counters.ReadBytes += bytes;
        return new ReadResult(StatusCode.Ok, bytes, crc.Value, state.Length, update, commit);
    }

    public ContentSnapshot Capture(ChunkRecord record, bool pending, int start, int count)
    {
        if (!_idle.TryPop(out var snapshot)) snapshot = new ContentSnapshot();
        snapshot.Capture(core, record, pending, start, count);
        return snapshot;
    }

    public void Release(ContentSnapshot snapshot)
    {
        snapshot.Release(core);
        if (_idle.Count < 1024) _idle.Push(snapshot);
    }

    /// <summary>
    /// Fills <paramref name="destination"/> with whole units and checks them. What is behind the content's end is undefined.
    /// </summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    public async ValueTask<StatusCode> ReadUnitsAsync(ContentSnapshot snapshot, int start, int count, IoMemory destination)
    {
        var first = start;
        var last = start + count - 1;
        while (first <= last && snapshot.AddressOf(first) != 0) first++;
        while (last >= first && snapshot.AddressOf(last) != 0) last--;
        if (first > last)
        {
            core.Counters.OverlayReads++;
        }
        else
        {
            var offset = snapshot.Position.Offset + ((long)first << Units.Shift);
            var part = destination.Slice((first - start) << Units.Shift, (last - first + 1) << Units.Shift);
            var code = await core.Device.ReadAsync(snapshot.Position.Class, offset, part);
            if (code != StatusCode.Ok) return code;
        }

        return LayOverAndCheck(snapshot, start, count, destination);
    }

    private static bool IsDirect(IoSlices destination, uint offset, uint length, int unit, int run)
    {
        if ((offset & (Units.Size - 1)) != 0 || destination.Count == 0) return false;
        var first = destination[0];
        var end = ((long)(unit + run) << Units.Shift) - offset;
        return (first.Address & (Units.Size - 1)) == 0 && end <= first.Length && end <= length;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<(StatusCode Code, RunningCrc Crc)> ReadDirectAsync(
        ContentSnapshot snapshot, int unit, int run, IoMemory destination, uint offset, uint bytes, RunningCrc crc)
    {
        var part = destination.Slice((int)(((long)unit << Units.Shift) - offset), run << Units.Shift);
        var code = await ReadUnitsAsync(snapshot, unit, run, part);
        if (code == StatusCode.Ok) Accumulate(snapshot, unit, run, part.Span, offset, bytes, ref crc);
        return (code, crc);
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<(StatusCode Code, RunningCrc Crc)> ReadBufferedAsync(
        ContentSnapshot snapshot, int unit, int run, IoSlices destination, uint offset, uint bytes, RunningCrc crc)
    {
        var lease = core.Pool.TryRent(run << Units.Shift);
        if (lease is null) return (StatusCode.Overloaded, crc);
        var part = lease.Memory.Slice(0, run << Units.Shift);
        var code = await ReadUnitsAsync(snapshot, unit, run, part);
        if (code == StatusCode.Ok)
        {
            Accumulate(snapshot, unit, run, part.Span, offset, bytes, ref crc);
            var from = Math.Max((long)unit << Units.Shift, offset);
            var to = Math.Min((long)(unit + run) << Units.Shift, (long)offset + bytes);
            destination.CopyFrom(from - offset, part.Span.Slice((int)(from - ((long)unit << Units.Shift)), (int)(to - from)));
        }

        lease.Dispose();
        return (code, crc);
    }

    /// <summary>Adds the wanted bytes of the units: by their known checksum when whole, else computed.</summary>
    private static void Accumulate(
        ContentSnapshot snapshot, int unit, int run, ReadOnlySpan<byte> units, uint offset, uint bytes, ref RunningCrc crc)
    {
        for (var i = 0; i < run; i++)
        {
            var begin = (long)(unit + i) << Units.Shift;
            var valid = Units.BytesOf(unit + i, snapshot.Length);
            var from = (int)Math.Max(0, offset - begin);
            var to = (int)Math.Min(valid, (long)offset + bytes - begin);
            if (from == 0 && to == valid) crc.Add(snapshot.CrcOf(unit + i), valid);
            else crc.Add(Crc32C.Compute(units.Slice((i << Units.Shift) + from, to - from)), to - from);
        }
    }

    private unsafe StatusCode LayOverAndCheck(ContentSnapshot snapshot, int start, int count, IoMemory destination)
    {
        var damaged = false;
        for (var i = 0; i < count; i++)
        {
            var target = destination.Slice(i << Units.Shift, Units.Size).Span;
            var address = snapshot.AddressOf(start + i);
            if (address != 0) new ReadOnlySpan<byte>((void*)address, Units.Size).CopyTo(target);
            var valid = Units.BytesOf(start + i, snapshot.Length);
            if (core.Options.SkipsChecksums || Crc32C.Compute(target[..valid]) == snapshot.CrcOf(start + i)) continue;
            damaged = true;
            core.Counters.CorruptUnits++;
            core.Options.Observer?.CorruptionDetected(snapshot.Record.Id, (uint)(start + i) << Units.Shift, (uint)valid);
        }

        return damaged ? StatusCode.ChecksumMismatch : StatusCode.Ok;
    }

    private static void Clear(IoSlices destination, uint from, uint to)
    {
        var position = 0L;
        for (var i = 0; i < destination.Count && position < to; i++)
        {
            var piece = destination[i];
            var begin = (int)Math.Clamp(from - position, 0, piece.Length);
            var end = (int)Math.Clamp(to - position, 0, piece.Length);
            if (end > begin) piece.Span[begin..end].Clear();
            position += piece.Length;
        }
    }
}
