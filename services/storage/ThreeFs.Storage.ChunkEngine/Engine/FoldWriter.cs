using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Base.Tasks;
using ThreeFs.Storage.ChunkEngine.Chunks;
using ThreeFs.Storage.ChunkEngine.Device;
using ThreeFs.Storage.ChunkEngine.Records;

namespace ThreeFs.Storage.ChunkEngine.Engine;

/// <summary>The steps of folding one chunk: redo content into the block, records into the batch, memory after the batch.</summary>
internal sealed class FoldWriter(StoreCore core)
{
    /// <summary>Checksums in one record: 1 MiB of content.</summary>
    public const int UnitsPerPage = 256;

    public const byte ChecksumsVersion = 1;

    private readonly uint[] _scratch = new uint[BlockClass.MaxBytes >> Units.Shift];

    /// <summary>Something was written in place since the owner reset this.</summary>
    public bool HasWritten { get; set; }

    /// <summary>Writes the newest redo content of each unit into the block that the folded content will have.</summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    public async ValueTask<StatusCode> ApplyAsync(ChunkRecord record)
    {
        var last = record.FoldTo!;
        if (last.IsRemove) return StatusCode.Ok;
        var units = Units.Count((uint)last.Position.Class.Bytes);
        var addresses = core.Arrays.RentAddresses(units);
        var (from, to) = MapRedo(last, addresses.AsSpan(0, units));
        var code = StatusCode.Ok;
        for (var unit = from; unit < to && code == StatusCode.Ok;)
        {
            if (addresses[unit] == 0)
            {
                unit++;
                continue;
            }

            var run = 1;
            while (unit + run < to && run < UnitsPerPage && addresses[unit + run] != 0) run++;
            code = await WriteRunAsync(last.Position, unit, run, addresses);
            unit += run;
        }

        core.Arrays.Return(addresses);
        return code;
    }

    /// <summary>Adds everything that changes in the index when the chunk is folded.</summary>
    public void AddRecords(ChunkRecord record)
    {
        Span<byte> room = stackalloc byte[Keys.MaxSize];
        var last = record.FoldTo!;
        var batch = core.Batch;
        var touched = 0UL;
        for (var delta = record.Oldest; ; delta = delta.Newer)
        {
            batch.DeleteOnce(Keys.ForLog(room, record.Id, delta!.Sequence));
            if (delta.CrcCount > 0) touched |= PagesOf(delta.CrcStart, delta.CrcCount);
            if (delta.BlockChanged && delta.Position != last.Position) core.Space.Unstore(batch, delta.Position);
            if (delta == last) break;
        }

        if (record.BasePosition != last.Position)
        {
            touched = ulong.MaxValue;
            if (!record.BasePosition.IsNone)
            {
                DeleteChecksums(record.BasePosition);
                core.Space.Unstore(batch, record.BasePosition);
            }
        }

        if (record.Newest == last && record.HasCommitRecord) batch.Delete(Keys.ForChunk(room, Keys.Commit, record.Id));
        var key = Keys.ForChunk(room, Keys.Base, record.Id);
        if (last.IsRemove)
        {
            if (!record.BasePosition.IsNone) batch.Delete(key);
            return;
        }

        var state = last.State;
        new BaseRecord(last.Position, last.Sequence, state.Version, state.ChainVersion, state.Length, state.Crc, state.Tag)
            .WriteTo(batch.BeginPut(key, BaseRecord.Size));
        PutChecksums(last.Position, Units.Count(state.Length), touched, record.CopyChecksumsAt(last, _scratch));
    }

    /// <summary>The batch is written: memory follows.</summary>
    public void Finish(ChunkRecord record)
    {
        var last = record.FoldTo!;
        var position = last.Position;
        var isRemove = last.IsRemove;
        ChunkDelta delta;
        do
        {
            delta = record.RemoveOldest(core.Arrays);
            core.UnfoldedUpdates--;
            core.Counters.FoldedUpdates++;
            if (delta.BlockChanged) core.UnfoldedBlockBytes -= delta.Position.Class.Bytes;
            core.Retire(delta);
        }
        while (delta != last);
        record.FoldTo = null;
        record.BasePosition = isRemove ? BlockPosition.None : position;
        if (record.Oldest is not null) return;
        record.HasCommitRecord = false;
        if (record.MayLowerHighWater && record.Pending is null && !record.IsBusy) record.HighWater = Units.Count(record.Committed.Length);
    }

    /// <summary>Address of the newest redo content of each unit of the final block; 0 where there is none.</summary>
    private static (int From, int To) MapRedo(ChunkDelta last, Span<nint> addresses)
    {
        addresses.Clear();
        var length = Units.Count(last.State.Length);
        var from = addresses.Length;
        var to = 0;
        for (var delta = last; delta is not null; delta = delta.BlockChanged ? null : delta.Older)
        {
            for (var unit = delta.RedoStart; unit < Math.Min(length, delta.RedoStart + delta.RedoCount); unit++)
            {
                if (addresses[unit] == 0) addresses[unit] = delta.AddressOf(unit);
                from = Math.Min(from, unit);
                to = Math.Max(to, unit + 1);
            }
        }

        return (from, to);
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<StatusCode> WriteRunAsync(BlockPosition position, int unit, int run, nint[] addresses)
    {
        HasWritten = true;
        core.Counters.FoldedBytes += (long)run << Units.Shift;
        var lease = IsContiguous(addresses, unit, run) ? null : core.Pool.TryRent(run << Units.Shift);
        if (lease is not null)
        {
            Gather(addresses, unit, run, lease.Memory.Span);
            var whole = await WriteAsync(position, unit, lease.Memory.Slice(0, run << Units.Shift));
            lease.Dispose();
            return whole;
        }

        while (run > 0)
        {
            var piece = 1;
            while (piece < run && IsContiguous(addresses, unit, piece + 1)) piece++;
            var code = await WriteAsync(position, unit, new IoMemory(addresses[unit], piece << Units.Shift));
            if (code != StatusCode.Ok) return code;
            unit += piece;
            run -= piece;
        }

        return StatusCode.Ok;
    }

    private ValueTask<StatusCode> WriteAsync(BlockPosition position, int unit, IoMemory content) =>
        core.Device.WriteAsync(position.Class, position.Offset + ((long)unit << Units.Shift), content);

    private static bool IsContiguous(nint[] addresses, int unit, int run)
    {
        for (var i = 1; i < run; i++)
            if (addresses[unit + i] != addresses[unit] + ((nint)i << Units.Shift)) return false;
        return true;
    }

    private static unsafe void Gather(nint[] addresses, int unit, int run, Span<byte> destination)
    {
        for (var i = 0; i < run; i++)
            new ReadOnlySpan<byte>((void*)addresses[unit + i], Units.Size).CopyTo(destination[(i << Units.Shift)..]);
    }

    private static ulong PagesOf(int start, int count)
    {
        var first = start / UnitsPerPage;
        var last = (start + count - 1) / UnitsPerPage;
        return (ulong.MaxValue >> (63 - last)) & (ulong.MaxValue << first);
    }

    private void PutChecksums(BlockPosition position, int units, ulong pages, uint[] crcs)
    {
        Span<byte> room = stackalloc byte[Keys.MaxSize];
        for (var page = 0; page * UnitsPerPage < units; page++)
        {
            if ((pages & (1UL << page)) == 0) continue;
            var count = Math.Min(UnitsPerPage, units - page * UnitsPerPage);
            var value = core.Batch.BeginPut(Keys.ForChecksums(room, position, page), 1 + count * sizeof(uint));
            value[0] = ChecksumsVersion;
            for (var i = 0; i < count; i++)
                BinaryPrimitives.WriteUInt32LittleEndian(value[(1 + i * sizeof(uint))..], crcs[page * UnitsPerPage + i]);
        }
    }

    private void DeleteChecksums(BlockPosition position)
    {
        Span<byte> room = stackalloc byte[Keys.MaxSize];
        var pages = Math.Max(1, (position.Class.Bytes >> Units.Shift) / UnitsPerPage);
        for (var page = 0; page < pages; page++) core.Batch.Delete(Keys.ForChecksums(room, position, page));
    }
}
