using ThreeFs.Storage.ChunkEngine.Chunks;
using ThreeFs.Storage.ChunkEngine.Device;

namespace ThreeFs.Storage.ChunkEngine.Engine;

/// <summary>
/// A range of one content as it was at one moment: where its units lie and which checksums they have. It stays readable
/// until it is released, whatever happens to the chunk meanwhile: blocks are not reused and not written in place, and redo
/// content is not freed, before the readers of the moment are gone.
/// </summary>
internal sealed class ContentSnapshot
{
    private uint[] _crcs = [];
    private nint[] _addresses = [];
    private int _ticket;

    public ChunkRecord Record { get; private set; } = null!;

    public BlockPosition Position { get; private set; }

    public uint Length { get; private set; }

    public int Start { get; private set; }

    public uint CrcOf(int unit) => _crcs[unit - Start];

    /// <summary>Address of the unit's content in memory, 0 when it is in the block.</summary>
    public nint AddressOf(int unit) => _addresses[unit - Start];

    /// <param name="pending">Read the pending update's content, not the committed one.</param>
    public void Capture(StoreCore core, ChunkRecord record, bool pending, int start, int count)
    {
        Record = record;
        Start = start;
        var delta = pending ? record.Pending : null;
        Length = delta?.State.Length ?? record.Committed.Length;
        Position = delta?.Position ?? record.Position;
        _crcs = core.Arrays.RentChecksums(count);
        _addresses = core.Arrays.RentAddresses(count);
        var addresses = _addresses.AsSpan(0, count);
        addresses.Clear();
        if (delta is null || !delta.BlockChanged)
        {
            // A unit behind the committed content's end has no checksum yet; the pending update brings it.
            var known = Math.Min(count, record.Crcs!.Length - start);
            if (known > 0) record.Crcs.AsSpan(start, known).CopyTo(_crcs);
            if (record.Overlay is not null && known > 0) record.Overlay.AsSpan(start, known).CopyTo(addresses);
        }

        if (delta is not null) CapturePending(delta, start, count);
        _ticket = core.Readers.Enter();
    }

    public void Release(StoreCore core)
    {
        core.Readers.Exit(_ticket);
        core.Arrays.Return(_crcs);
        core.Arrays.Return(_addresses);
        _crcs = [];
        _addresses = [];
        Record = null!;
    }

    private void CapturePending(ChunkDelta delta, int start, int count)
    {
        for (var unit = start; unit < start + count; unit++)
        {
            if (unit >= delta.CrcStart && unit < delta.CrcStart + delta.CrcCount)
                _crcs[unit - start] = delta.Crcs![unit - delta.CrcStart];
            if (delta.HasRedoOf(unit)) _addresses[unit - start] = delta.AddressOf(unit);
        }
    }
}
