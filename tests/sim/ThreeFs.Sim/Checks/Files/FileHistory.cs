using ThreeFs.Base;
using ThreeFs.Sim.World;

namespace ThreeFs.Sim.Checks.Files;

/// <summary>
/// What was done to the content of one file, and the judge of every reading. Each piece of a chunk between the ends of operations must
/// come from one operation that may be the last one there: nothing overwrote it for certain before the reader began. A length must
/// lie between what is certainly visible and what may be.
/// </summary>
/// <remarks>
/// Operations on a chunk are atomic, over chunks they are not. Who reads a length through an open handle may not know cuts and reports
/// since it was opened; who opens the file anew or asks for its attributes knows all that were answered before.
/// </remarks>
internal sealed class FileHistory(InodeId inode, uint chunkSize)
{
    private readonly List<FileEvent> _events =
        [new FileEvent { Pattern = 0, Offset = 0, Began = -2, Ended = -1, Reported = -1, IsDurable = true, IsLengthDurable = true }];

    public InodeId Inode => inode;

    /// <summary>When clients began to take a name from it: its last one may be gone from then on.</summary>
    public List<(string Who, long Began)> Removals { get; } = [];

    /// <summary>When clients that have it open now opened it first, and how many handles they have.</summary>
    public Dictionary<string, (long Since, int Handles)> Openers { get; } = [];

    public int Writes => _events.Count(e => e.IsWrite && e.Ended != long.MaxValue);

    public FileEvent Begin(FileEvent happens)
    {
        _events.Add(happens);
        return happens;
    }

    /// <summary>Everything that this client wrote and had been answered before is known to the metadata service.</summary>
    public void Reported(string who, long began, long now)
    {
        foreach (var e in _events.Where(e => e.Who == who && e.Ended < began && e.Reported > now)) e.Reported = now;
    }

    /// <summary>An fsync of a client covers what it did before, and what others did before it opened the file.</summary>
    public void Synced(string who, long opened, long began)
    {
        foreach (var e in _events)
        {
            if (e.Ended >= (e.Who == who ? began : opened)) continue;
            e.IsDurable = true;
            if (!e.IsWrite || e.Who == who || e.Reported < opened) e.IsLengthDurable = true;
        }
    }

    /// <summary>Throws when the bytes cannot be what was read in that time.</summary>
    public void CheckRead(string who, long offset, ReadOnlySpan<byte> bytes, long began, long ended) =>
        CheckContent(who, offset, bytes, e => e.Began < ended, e => e.Ended < began);

    /// <summary>The same after a loss of power: only what is durable certainly happened.</summary>
    public void CheckAfterPowerLoss(ReadOnlySpan<byte> bytes) =>
        CheckContent("what is left after the loss of power", 0, bytes, _ => true, e => e.IsDurable);

    /// <summary>The length as somebody learned it.</summary>
    /// <param name="known">What the reader did itself counts when it had ended before.</param>
    /// <param name="fresh">Reports and cuts of others before this are known.</param>
    public void CheckLength(string who, long length, long began, long ended, long fresh)
    {
        var (least, most) = Bounds(
            mayHave: e => e.Began < ended,
            certainCut: e => e.Ended < fresh,
            visible: e => e.Who == who ? e.Ended < began : e.Reported < fresh);
        if (length >= least && length <= most) return;
        throw new SimFailure(
            $"{who}: inode {inode} has {length} bytes from {began / 1e7:0.0000} to {ended / 1e7:0.0000}, but must have {least} to {most}:\n{Describe(_events)}");
    }

    /// <summary>When everybody has closed the file or is dead: all that was answered counts.</summary>
    public void CheckFinalLength(long length, long began)
    {
        var (least, most) = Bounds(_ => true, e => e.Ended < began, e => e.Ended < began);
        if (length >= least && length <= most) return;
        throw new SimFailure($"inode {inode} has {length} bytes in the end, but must have {least} to {most}:\n{Describe(_events)}");
    }

    public void CheckLengthAfterPowerLoss(long length)
    {
        var (least, most) = Bounds(_ => true, e => e.IsLengthDurable, e => e.IsLengthDurable);
        if (length >= least && length <= most) return;
        throw new SimFailure(
            $"inode {inode} has {length} bytes after the loss of power, but must have {least} to {most}:\n{Describe(_events)}");
    }

    /// <summary>A read through a handle met the end of the file, or did not.</summary>
    /// <param name="opened">When the client opened the file: it need not know what others did since.</param>
    public void CheckEnd(string who, long offset, int asked, int got, long began, long ended, long opened)
    {
        var (least, most) = Bounds(
            e => e.Began < ended, e => e.Ended < opened, e => e.Who == who ? e.Ended < began : e.Reported < opened);
        if (got > 0 ? offset + got <= most && (got == asked || offset + got >= least) : least <= offset) return;
        throw new SimFailure(
            $"{who}: {got} of {asked} bytes at {offset} of inode {inode}, whose length must be {least} to {most}:\n{Describe(_events)}");
    }

    private (long Least, long Most) Bounds(
        Func<FileEvent, bool> mayHave, Func<FileEvent, bool> certainCut, Func<FileEvent, bool> visible)
    {
        var (least, most) = (long.MaxValue, 0L);
        var cuts = _events.Where(e => !e.IsWrite).ToArray();
        foreach (var cut in cuts)
        {
            if (!mayHave(cut) || cuts.Any(c => certainCut(c) && cut.Ended < c.Began)) continue;
            var (low, high) = (cut.Offset, cut.Offset);
            foreach (var write in _events)
            {
                if (!write.IsWrite) continue;
                if (write.Began > cut.Ended && write.Ended != long.MaxValue && visible(write)) low = Math.Max(low, write.End);
                if (write.Ended > cut.Began && mayHave(write)) high = Math.Max(high, write.End);
            }

            (least, most) = (Math.Min(least, low), Math.Max(most, high));
        }

        return (least, most);
    }

    private void CheckContent(
        string who, long offset, ReadOnlySpan<byte> bytes, Func<FileEvent, bool> mayHave, Func<FileEvent, bool> certain)
    {
        var end = offset + bytes.Length;
        var near = _events.Where(e => mayHave(e) && e.Offset < end && e.End > offset).ToArray();
        var bounds = new SortedSet<long> { offset, end };
        foreach (var e in near)
        {
            if (e.Offset > offset) bounds.Add(e.Offset);
            if (e.End < end) bounds.Add(e.End);
        }

        for (var border = (offset / chunkSize + 1) * chunkSize; border < end; border += chunkSize) bounds.Add(border);
        var from = offset;
        foreach (var to in bounds.Skip(1))
        {
            var here = near.Where(e => e.Covers(from, to)).ToArray();
            var permitted = here.Where(e => !here.Any(later => certain(later) && e.Ended < later.Began)).ToArray();
            var piece = bytes.Slice((int)(from - offset), (int)(to - from));
            if (!IsOneOf(permitted, from, piece)) throw Wrong(who, from, to, piece, permitted);
            from = to;
        }
    }

    private static bool IsOneOf(FileEvent[] permitted, long from, ReadOnlySpan<byte> piece)
    {
        foreach (var e in permitted)
            if (e.Matches(from, piece)) return true;
        return false;
    }

    private SimFailure Wrong(string who, long from, long to, ReadOnlySpan<byte> piece, FileEvent[] permitted)
    {
        var isWrong = new bool[_events.Count];
        for (var i = 0; i < isWrong.Length; i++) isWrong[i] = !_events[i].Matches(from, piece);
        var found = _events.Where((_, i) => !isWrong[i]).ToArray();
        return new SimFailure(
            $"{who}: bytes {from} to {to} of inode {inode} are {(found.Length == 0 ? "of nobody" : "of " + found[0])}, and should be of one of\n"
            + $"{Describe(permitted)}\nall there:\n{Describe(_events.Where(e => e.Offset < to && e.End > from))}\n"
            + $"first bytes {Convert.ToHexString(piece[..Math.Min(16, piece.Length)])}");
    }

    public override string ToString() => Describe(_events)
        + string.Concat(Removals.Select(r => $"\n  a name removed by {r.Who} (from {r.Began / 1e7:0.0000})"));

    private static string Describe(IEnumerable<FileEvent> events) => string.Join('\n', events.Select(e => "  " + e));
}
