using System.Collections.Immutable;
using ThreeFs.Base;
using ThreeFs.Contracts.Meta;

namespace ThreeFs.Meta.Locks;

/// <summary>The locks of one kind that are held on an inode, as POSIX has them. Pure; immutable.</summary>
/// <remarks>
/// Invariants: ranges of one owner are disjoint, and two that touch have different types (setting a range replaces whatever the
/// owner had there, by splitting, and joins it with its neighbours); an exclusive lock overlaps no lock of another owner.
/// Ordered by first byte, then owner, so equal sets are equal bytes.
/// </remarks>
internal sealed class LockSet
{
    public static readonly LockSet Empty = new([]);

    private LockSet(ImmutableArray<FileLock> locks) => Locks = locks;

    public ImmutableArray<FileLock> Locks { get; }

    public bool IsEmpty => Locks.IsEmpty;

    public static LockSet Of(IEnumerable<FileLock> locks) =>
        new([.. locks.OrderBy(l => l.Start).ThenBy(l => l.Client.Value).ThenBy(l => l.Owner)]);

    /// <summary>A lock of another owner that stands in the way, the first one; null when there is none.</summary>
    public FileLock? ConflictWith(ClientId client, LockRequest request)
    {
        if (request.Type == LockType.None) return null;
        foreach (var held in Locks)
        {
            if (held.Start > request.End) return null;
            if (held.End < request.Start || IsOf(held, client, request.Owner)) continue;
            if (held.Type == LockType.Exclusive || request.Type == LockType.Exclusive) return held;
        }

        return null;
    }

    /// <summary>The set after the request, which conflicts with nothing.</summary>
    public LockSet With(ClientId client, LockRequest request, FileTime now)
    {
        Invariant.Check(request.Start >= 0 && request.Start <= request.End, "a lock has a first and a last byte");
        Invariant.Check(ConflictWith(client, request) is null, "a lock is set where nothing stands in the way");
        var after = new List<FileLock>(Locks.Length + 2);
        var added = new FileLock(client, request.Owner, request.Type, request.Start, request.End, request.Pid, now);
        foreach (var held in Locks)
        {
            if (!IsOf(held, client, request.Owner))
            {
                after.Add(held);
            }
            else if (held.Type == request.Type && Touches(held, added))
            {
                added = added with { Start = Math.Min(held.Start, added.Start), End = Math.Max(held.End, added.End) };
            }
            else
            {
                AddOutside(after, held, request.Start, request.End);
            }
        }

        if (request.Type != LockType.None) after.Add(added);
        return Of(after);
    }

    /// <summary>Without the locks of owners that are gone.</summary>
    public LockSet Without(Func<FileLock, bool> isGone) => new(Locks.RemoveAll(l => isGone(l)));

    /// <summary>What is left of a lock outside a range.</summary>
    private static void AddOutside(List<FileLock> to, FileLock held, long start, long end)
    {
        if (held.End < start || held.Start > end)
        {
            to.Add(held);
            return;
        }

        if (held.Start < start) to.Add(held with { End = start - 1 });
        if (held.End > end) to.Add(held with { Start = end + 1 });
    }

    private static bool IsOf(FileLock held, ClientId client, ulong owner) => held.Owner == owner && held.Client == client;

    /// <summary>Overlaps or is next to it; the last byte of all has no successor.</summary>
    private static bool Touches(FileLock a, FileLock b) =>
        (a.End == long.MaxValue || a.End + 1 >= b.Start) && (b.End == long.MaxValue || b.End + 1 >= a.Start);
}
