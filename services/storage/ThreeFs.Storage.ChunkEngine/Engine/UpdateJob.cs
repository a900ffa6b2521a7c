using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Contracts.Storage;
using ThreeFs.Storage.ChunkEngine.Chunks;

namespace ThreeFs.Storage.ChunkEngine.Engine;

/// <summary>
/// The geometry of one update: which bytes it covers, and what the content is before and after. Covered are
/// [<see cref="CoverStart"/>, <see cref="CoverEnd"/>): zeros where the payload does not reach (a gap behind the old end), then the payload.
/// All other bytes keep their old value.
/// </summary>
internal sealed class UpdateJob
{
    public ChunkRecord Record = null!;
    public ChunkUpdate Update;
    public IoSlices Payload;
    public ChunkDelta Delta = null!;

    /// <summary>Length of the content that the update builds on; 0 for a new chunk and for a replacement.</summary>
    public uint OldLength;

    public uint NewLength;
    public uint CoverStart;
    public uint CoverEnd;
    public RunningCrc PayloadCrc;

    /// <summary>The update builds on the committed content's block.</summary>
    public bool HasOld;

    /// <summary>The length falls, and nothing is written.</summary>
    public bool IsCut => NewLength < OldLength;

    public bool CoversNothing => CoverStart >= CoverEnd;

    public int FirstUnit => (int)(CoverStart >> Units.Shift);

    public int UnitCount => CoversNothing ? 0 : (int)((CoverEnd - 1) >> Units.Shift) - FirstUnit + 1;

    public uint PayloadStart => Update.Kind == UpdateKind.Replace ? 0 : Update.Offset;

    public uint PayloadEnd => PayloadStart + (uint)Payload.TotalLength;

    public void Begin(ChunkRecord record, in ChunkUpdate update, IoSlices payload, ChunkDelta delta)
    {
        Record = record;
        Update = update;
        Payload = payload;
        Delta = delta;
        PayloadCrc = default;
        HasOld = record.Committed.Exists && update.Kind != UpdateKind.Replace;
        OldLength = HasOld ? record.Committed.Length : 0;
        switch (update.Kind)
        {
            case UpdateKind.Write:
                CoverStart = Math.Min(OldLength, update.Offset);
                CoverEnd = update.Offset + update.Length;
                NewLength = Math.Max(OldLength, CoverEnd);
                break;
            case UpdateKind.Replace:
                CoverStart = 0;
                CoverEnd = NewLength = update.Length;
                break;
            case UpdateKind.Truncate or UpdateKind.Extend when update.Length > OldLength:
                CoverStart = OldLength;
                CoverEnd = NewLength = update.Length;
                break;
            default:
                CoverStart = CoverEnd = 0;
                NewLength = update.Kind == UpdateKind.Truncate ? update.Length : OldLength;
                break;
        }
    }

    public void End()
    {
        Record = null!;
        Payload = default;
        Delta = null!;
    }

    /// <summary>The old content of the unit goes into the new one, at least partly.</summary>
    public bool NeedsOld(int unit)
    {
        var begin = (long)unit << Units.Shift;
        if (begin >= OldLength) return false;
        var end = Math.Min(begin + Units.Size, OldLength);
        return CoversNothing || begin < CoverStart || end > CoverEnd;
    }

    /// <summary>The unit is the same before and after.</summary>
    public bool IsUntouched(int unit) =>
        CoversNothing || unit < FirstUnit || unit >= FirstUnit + UnitCount;

    /// <summary>
    /// The payload's own memory for the units, when it can be written to the device as it is: nothing but payload, whole units, one
    /// aligned piece.
    /// </summary>
    public bool TryGetPayload(int start, int count, out IoMemory memory)
    {
        memory = default;
        var begin = (long)start << Units.Shift;
        var end = begin + ((long)count << Units.Shift);
        if (Payload.Count != 1 || begin < PayloadStart || end > PayloadEnd) return false;
        var piece = Payload[0].Slice((int)(begin - PayloadStart), (int)(end - begin));
        if ((piece.Address & (Units.Size - 1)) != 0) return false;
        memory = piece;
        return true;
    }
}
