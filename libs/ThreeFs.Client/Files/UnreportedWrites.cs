using ThreeFs.Base;
using ThreeFs.Contracts.Meta;

namespace ThreeFs.Client.Files;

/// <summary>
/// What was written to a file since the metadata service was told: how far, under which truncation, when, and whether
/// only storage knows. The same rules for whoever keeps files open. Not thread-safe: guarded by its owner.
/// </summary>
/// <remarks>
/// <list type="bullet">
/// <item>Of writes under several truncate versions the oldest counts, which makes the service ask storage.</item>
/// <item>A failed write may have stored something, and a truncation beside writes may have taken any of them: the next
/// report has storage asked.</item>
/// <item>A report settles what was written before it was begun, a truncation what was before it was sent; what comes
/// meanwhile moves the mark and stays.</item>
/// <item>A write is stamped later than every change of the inode that is known here, whatever the clocks of the
/// metadata servers say, so that a time set by hand before it does not count as set after it.</item>
/// </list>
/// </remarks>
public sealed class UnreportedWrites
{
    /// <summary>End of the furthest write, or -1.</summary>
    public long End { get; private set; } = -1;

    /// <summary>The oldest truncate version under which something was written.</summary>
    public TruncateVersion Under { get; private set; }

    /// <summary>Only storage knows where the file ends.</summary>
    public bool IsUncertain { get; private set; }

    /// <summary>When the last write was made or failed.</summary>
    public FileTime At { get; private set; }

    /// <summary>Moves with every write and truncation.</summary>
    public long Mark { get; private set; }

    /// <summary>There is something to report.</summary>
    public bool Any => End >= 0 || IsUncertain;

    /// <summary>Bytes up to <paramref name="end"/> are stored.</summary>
    /// <param name="under">The truncate version when the write began.</param>
    /// <param name="now">By this machine's clock.</param>
    /// <param name="changed">The inode's change time as it is known.</param>
    public void Written(long end, TruncateVersion under, FileTime now, FileTime changed)
    {
        if (End < 0 || under.Value < Under.Value) Under = under;
        End = Math.Max(End, end);
        Stamp(now, changed);
    }

    /// <summary>A write failed.</summary>
    public void Failed(FileTime now, FileTime changed)
    {
        IsUncertain = true;
        Stamp(now, changed);
    }

    /// <summary>Somebody truncated the file; which side of that the writes fell on, nobody knows.</summary>
    public void TruncatedByOthers() => IsUncertain |= End >= 0;

    /// <summary>This client truncated the file.</summary>
    /// <param name="mark">
    /// <see cref="Mark"/> when that was sent; null when it was not known which file it would be.
    /// </param>
    public void Truncated(long? mark)
    {
        if (mark == Mark) Settle();
        else TruncatedByOthers();
        Mark++;
    }

    /// <summary>What to tell the metadata service; <see cref="LengthHint.Nothing"/> when there is nothing.</summary>
    public LengthHint Hint() =>
        Any ? new LengthHint(End, Under, IsUncertain, At, AccessTime: null) : LengthHint.Nothing;

    /// <summary>A hint was taken.</summary>
    /// <param name="mark"><see cref="Mark"/> when it was made.</param>
    public void Reported(long mark)
    {
        if (mark == Mark) Settle();
    }

    private void Settle()
    {
        End = -1;
        IsUncertain = false;
    }

    private void Stamp(FileTime now, FileTime changed)
    {
        At = now.CompareTo(changed) > 0 ? now : new FileTime(changed.Nanoseconds + 1);
        Mark++;
    }
}
