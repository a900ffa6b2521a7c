using ThreeFs.UsrbIo;

namespace ThreeFs.Fuse.Rings;

/// <summary>Operations of one ring that are worked on, and complete, together, in the order of their submission. Reused.</summary>
internal sealed class RingJob(IRingReads reads)
{
    public const int MaxOperations = 64;

    /// <summary>So many, or so many bytes, are not divided further.</summary>
    public const int FewOperations = 16;

    /// <inheritdoc cref="FewOperations"/>
    public const ulong FewBytes = 64 << 10;

    public IRingReads Reads { get; } = reads;

    public List<RingWork> Work { get; } = [];

    /// <summary>How many of them are in <see cref="Reads"/>.</summary>
    public int ReadCount { get; set; }

    /// <summary>Submissions that it takes from the ring, broken ones included.</summary>
    public int Submissions { get; set; }

    public bool IsDone { get; set; }

    public void Clear()
    {
        Reads.Clear();
        Work.Clear();
        (ReadCount, Submissions, IsDone) = (0, 0, false);
    }
}

/// <summary>One operation under way.</summary>
/// <param name="File">Null when there is none to use.</param>
/// <param name="Buffer">Acquired; released when the job ends. Null when there is none.</param>
/// <param name="ReadIndex">Its place among the job's reads, or -1 when the result is known.</param>
internal record struct RingWork(int Slot, RingOperation Operation, IRingFile? File, SharedBuffer? Buffer, int ReadIndex, long Result);
