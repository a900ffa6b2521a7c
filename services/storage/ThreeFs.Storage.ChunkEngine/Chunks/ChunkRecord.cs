using ThreeFs.Base;
using ThreeFs.Storage.ChunkEngine.Device;

namespace ThreeFs.Storage.ChunkEngine.Chunks;

/// <summary>
/// One chunk in memory: the committed content as a block with checksums and overlay, the committed updates that are not
/// folded (oldest to newest), and the pending update if there is one.
/// </summary>
/// <remarks>
/// <see cref="HighWater"/> guards in-place writes: units below it belong to a state that a crash may bring back, so only
/// units from it on are written directly. It falls only when the chunk has no unfolded update.
/// </remarks>
internal sealed class ChunkRecord(ChunkId id)
{
    public ChunkId Id { get; } = id;

    /// <summary>The committed content; version 0 when there is none.</summary>
    public ContentState Committed;

    public BlockPosition Position;

    /// <summary>Checksums of the committed content's units; at least as many elements as the block has units.</summary>
    public uint[]? Crcs;

    /// <summary>Address of the newest committed redo content of a unit, 0 where the block has it; null when all is in the block.</summary>
    public nint[]? Overlay;

    public int HighWater;

    /// <summary>
    /// No update was dropped since the running fold began: a dropped one may come back with a power loss until the next flush.
    /// </summary>
    public bool MayLowerHighWater;

    /// <summary>The block of the folded content in the index, none when there is no such record.</summary>
    public BlockPosition BasePosition;

    public ChunkDelta? Oldest;
    public ChunkDelta? Newest;
    public ChunkDelta? Pending;

    /// <summary>The newest update to fold in the running fold.</summary>
    public ChunkDelta? FoldTo;

    /// <summary>The commit is not in the index yet.</summary>
    public bool IsCommitHeld;

    /// <summary>The index has a commit record for this chunk.</summary>
    public bool HasCommitRecord;

    /// <summary>Its word in the table of places that were told; -1: none.</summary>
    public int PlaceWord = -1;

    /// <summary>Waits in the store's list of chunks to fold.</summary>
    public bool IsListedForFold;

    /// <summary>An update, commit or discard is running; there is one at a time.</summary>
    public bool IsBusy;

    public bool Exists => Committed.Exists || Pending is not null;

    /// <summary>Nothing in memory or index speaks of this chunk any more.</summary>
    public bool IsForgotten => !Exists && Oldest is null && BasePosition.IsNone && !IsBusy;

    public ChunkState State => new(Id, Committed, Pending?.State ?? default);

    /// <summary>Makes the pending update the committed content.</summary>
    public void Commit(ChainVersion chain, UnitArrays arrays)
    {
        var delta = Pending!;
        Pending = null;
        delta.State = delta.State with { ChainVersion = chain };
        Append(delta);
        if (delta.IsRemove)
        {
            Committed = default;
            Position = default;
            delta.Crcs = Crcs;
            Crcs = null;
            DropOverlay(arrays);
            return;
        }

        Committed = delta.State;
        Position = delta.Position;
        if (delta.BlockChanged)
        {
            (Crcs, delta.Crcs) = (delta.Crcs, Crcs);
            DropOverlay(arrays);
            HighWater = Units.Count(delta.State.Length);
        }
        else
        {
            for (var i = 0; i < delta.CrcCount; i++)
                (Crcs![delta.CrcStart + i], delta.Crcs![i]) = (delta.Crcs[i], Crcs[delta.CrcStart + i]);
        }

        LayOver(delta, arrays);
    }

    /// <summary>
    /// The checksums as they were right after <paramref name="delta"/> (an unfolded one) was committed.
    /// </summary>
    /// <returns>The record's own array when nothing newer changed it, else <paramref name="scratch"/>.</returns>
    public uint[] CopyChecksumsAt(ChunkDelta delta, uint[] scratch)
    {
        if (delta == Newest) return Crcs!;
        var current = Crcs;
        var copied = false;
        for (var newer = Newest!; newer != delta; newer = newer.Older!)
        {
            if (newer.BlockChanged || newer.IsRemove)
            {
                current = newer.Crcs;
                copied = false;
                continue;
            }

            if (!copied) current!.CopyTo(scratch, 0);
            copied = true;
            current = scratch;
            newer.Crcs.AsSpan(0, newer.CrcCount).CopyTo(scratch.AsSpan(newer.CrcStart));
        }

        return current!;
    }

    /// <summary>Takes the oldest update out of the list; the caller disposes of its parts.</summary>
    public ChunkDelta RemoveOldest(UnitArrays arrays)
    {
        var delta = Oldest!;
        Oldest = delta.Newer;
        if (Oldest is null) Newest = null;
        else Oldest.Older = null;
        if (Overlay is not null && delta.Redo is not null)
        {
            for (var unit = delta.RedoStart; unit < delta.RedoStart + delta.RedoCount; unit++)
                if (unit < Overlay.Length && Overlay[unit] == delta.AddressOf(unit)) Overlay[unit] = 0;
        }

        if (Oldest is null) DropOverlay(arrays);
        return delta;
    }

    private void Append(ChunkDelta delta)
    {
        delta.Older = Newest;
        if (Newest is null) Oldest = delta;
        else Newest.Newer = delta;
        Newest = delta;
    }

    private void LayOver(ChunkDelta delta, UnitArrays arrays)
    {
        if (delta.RedoCount == 0) return;
        if (Overlay is null)
        {
            Overlay = arrays.RentAddresses(Position.Class.Bytes >> Units.Shift);
            Array.Clear(Overlay);
        }

        for (var unit = delta.RedoStart; unit < delta.RedoStart + delta.RedoCount; unit++) Overlay[unit] = delta.AddressOf(unit);
    }

    private void DropOverlay(UnitArrays arrays)
    {
        arrays.Return(Overlay);
        Overlay = null;
    }
}
