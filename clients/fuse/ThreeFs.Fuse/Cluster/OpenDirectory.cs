using ThreeFs.Base;
using ThreeFs.Contracts.Meta;

namespace ThreeFs.Fuse.Cluster;

/// <summary>
/// A directory being listed: the entries read so far, in byte order of names. An entry's position is its offset for
/// the kernel, so a listing goes on where it was, sees each name that stays exactly once, and can be wound back, while
/// names come and go. Reading the list at position 0 begins anew.
/// </summary>
internal sealed class OpenDirectory(InodeId id)
{
    public InodeId Id { get; } = id;

    /// <summary>One reader at a time.</summary>
    public SemaphoreSlim Lock { get; } = new(1, 1);

    public List<ListedEntry> Entries { get; } = [];

    /// <summary>Every entry was read.</summary>
    public bool IsComplete { get; set; }

    /// <summary>Where ".." leads; known with the first page.</summary>
    public InodeId Parent { get; set; }
}

/// <param name="Asked">When the page it came with was asked for.</param>
/// <param name="NameChanges">The directory's count of changes by this mount at that moment.</param>
internal readonly record struct ListedEntry(DirEntry Entry, long Asked, int NameChanges);
