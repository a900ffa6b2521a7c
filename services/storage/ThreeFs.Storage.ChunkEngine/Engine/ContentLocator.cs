using ThreeFs.Base;
using ThreeFs.Contracts.Storage;
using ThreeFs.Storage.ChunkEngine.Chunks;

namespace ThreeFs.Storage.ChunkEngine.Engine;

/// <summary>
/// Tells where a part of a committed content lies instead of reading it: when all of it is in its block (no update waits to be folded over
/// it), and in whole units, so that its checksum is known without looking at a byte.
/// </summary>
internal sealed class ContentLocator(StoreCore core, ContentReader reader)
{
    private readonly Stack<ContentHold> _idle = new();

    /// <summary>Null when it has to be read here; else <paramref name="result"/> is what a read would have answered.</summary>
    public ContentHold? TryHold(ChunkRecord record, uint offset, uint length, out ReadResult result)
    {
        result = default;
        var state = record.Committed;
        if ((offset & (Units.Size - 1)) != 0 || length == 0 || offset >= state.Length) return null;
        var bytes = Math.Min(length, state.Length - offset);
        if ((bytes & (Units.Size - 1)) != 0 && offset + bytes != state.Length) return null;
        if (core.Device.FileOf(record.Position.Class) is not { } file) return null;
        var start = (int)(offset >> Units.Shift);
        var count = (int)((offset + bytes - 1) >> Units.Shift) - start + 1;
        var snapshot = reader.Capture(record, pending: false, start, count);
        var crc = new RunningCrc();
        for (var unit = start; unit < start + count; unit++)
        {
            if (snapshot.AddressOf(unit) != 0)
            {
                reader.Release(snapshot);
                return null;
            }

            crc.Add(snapshot.CrcOf(unit), Units.BytesOf(unit, snapshot.Length));
        }

        core.Counters.Located++;
        core.Counters.LocatedBytes += bytes;
        var update = new UpdateVersion(state.Version.Value);
        result = new ReadResult(
            StatusCode.Ok, bytes, crc.Value, state.Length, update, new CommitVersion(state.Version.Value));
        var hold = _idle.TryPop(out var idle) ? idle : new ContentHold(this);
        hold.Take(snapshot, file, snapshot.Position.Offset + ((long)start << Units.Shift));
        return hold;
    }

    /// <summary>The place of the units from an offset on, and their checksums; false when some of them are not in the block.</summary>
    public bool TryGetPlace(ChunkRecord record, uint offset, Span<uint> checksums, out ContentPlace place)
    {
        place = default;
        var state = record.Committed;
        if (core.Places.IsEmpty || (offset & (Units.Size - 1)) != 0 || offset >= state.Length) return false;
        if (core.Device.FileOf(record.Position.Class) is not { } file) return false;
        var start = (int)(offset >> Units.Shift);
        var count = Math.Min(checksums.Length, Units.Count(state.Length) - start);
        if (record.Overlay is not null && record.Overlay.AsSpan(start, count).ContainsAnyExcept((nint)0)) return false;
        record.Crcs.AsSpan(start, count).CopyTo(checksums);
        var (word, generation) = core.Places.WordOf(record);
        core.Counters.PlacesTold++;
        place = new ContentPlace(
            word, generation, file, record.Position.Offset + ((long)start << Units.Shift), count, state.Length, state.Version);
        return true;
    }

    public void Release(ContentHold hold, ContentSnapshot snapshot)
    {
        reader.Release(snapshot);
        if (_idle.Count < 1024) _idle.Push(hold);
    }
}
