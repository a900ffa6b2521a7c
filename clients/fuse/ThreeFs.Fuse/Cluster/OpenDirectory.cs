using ThreeFs.Base;
using ThreeFs.Contracts.Meta;

namespace ThreeFs.Fuse.Cluster;

/// <summary>
/// A directory being listed, in byte order of names. Kept are the entries read last and, of each page read before, the
/// name it begins behind; so a listing of any length costs little memory, goes on where it was, sees each name that stays
/// exactly once while others come and go, and can be set back to where it was. Reading at position 0 begins anew.
/// </summary>
/// <remarks>
/// Used by one reader at a time. Invariants: page <c>i</c> holds the names behind <c>starts[i]</c> up to
/// <c>starts[i + 1]</c>, whatever was added or removed among them since; entries are kept of at most
/// <see cref="MaxKept"/> parts of pages, so that what was just sent to the kernel and not taken by the application is
/// still there.
/// </remarks>
internal sealed class OpenDirectory(InodeId id)
{
    private const int MaxKept = 2;

    private readonly List<FileName?> _starts = [null];
    private readonly LinkedList<DirectoryPart> _kept = [];
    private FileName? _last;
    private bool _hasEmptyPages;

    public InodeId Id { get; } = id;

    /// <summary>One reader at a time.</summary>
    public SemaphoreSlim Lock { get; } = new(1, 1);

    /// <summary>Where ".." leads; known with the first page.</summary>
    public InodeId Parent { get; set; }

    /// <summary>Pages with a known beginning.</summary>
    public int Pages => _starts.Count;

    /// <summary>Entries in memory.</summary>
    public int KeptEntries => _kept.Sum(p => p.Entries.Length);

    /// <summary>
    /// Everything is read anew. Pages go on to begin where they did, so that places told before are still found, unless
    /// some have become empty: a listing that is begun again and again must not collect them.
    /// </summary>
    public void Begin()
    {
        if (_hasEmptyPages) _starts.RemoveRange(1, _starts.Count - 1);
        _hasEmptyPages = false;
        _kept.Clear();
        _last = null;
    }

    /// <summary>The name that a page begins behind; null for the first.</summary>
    public FileName? StartOf(int page) => _starts[page];

    /// <summary>
    /// The last name that belongs to a page; null while nobody has read that far. Names that were added behind the end
    /// since it was seen come with the next beginning.
    /// </summary>
    public FileName? EndOf(int page) => page + 1 < _starts.Count ? _starts[page + 1] : _last;

    /// <summary>The part of a page that is in memory and holds this position, and where in it; null when there is none.</summary>
    public (DirectoryPart Part, int Next)? Find(DirectoryPosition position)
    {
        foreach (var part in _kept)
        {
            if (part.NextAfter(position) is { } next) return (part, next);
        }

        return null;
    }

    /// <summary>The part that begins behind another one, if it is in memory.</summary>
    public DirectoryPart? FindBegin(int page, int first) => _kept.FirstOrDefault(p => p.Page == page && p.First == first);

    /// <summary>Keeps a part in place of the oldest.</summary>
    /// <param name="isEnd">No name of the directory follows.</param>
    public void Keep(DirectoryPart part, bool isEnd)
    {
        _kept.AddLast(part);
        if (_kept.Count > MaxKept) _kept.RemoveFirst();
        if (EndOf(part.Page) is not null)
        {
            _hasEmptyPages |= part.Entries.Length == 0 && part.First == 0 && part.Page > 0;
            return;
        }

        var last = part.Entries.Length > 0 ? part.Entries[^1].Entry.Name : StartOf(part.Page);
        if (isEnd) _last = last;
        else _starts.Add(last);
    }
}

/// <summary>Entries of one page that follow each other.</summary>
/// <param name="First">Number of entries of the page before them.</param>
/// <param name="EndsPage">No entry of the page follows.</param>
internal sealed record DirectoryPart(int Page, int First, ListedEntry[] Entries, bool EndsPage)
{
    /// <summary>Where the kernel goes on behind the entry with this index.</summary>
    public DirectoryPosition PositionBehind(int index) =>
        DirectoryPosition.Behind(Page, First + index, Entries[index].Entry.Name);

    /// <summary>Index of the first entry behind a position; null when the position is not in here.</summary>
    public int? NextAfter(DirectoryPosition position)
    {
        if (position.IsStart) return Page == 0 && First == 0 ? 0 : null;
        if (position.Page != Page) return null;

        // Where it was, unless names came or went before it. Among equal checksums the place has decided.
        var place = position.Ordinal - First;
        if (place >= 0 && place < Entries.Length && IsAt(place)) return place + 1;
        for (var i = 0; i < Entries.Length; i++)
        {
            if (IsAt(i)) return i + 1;
        }

        return null;

        bool IsAt(int index) => DirectoryPosition.ChecksumOf(Entries[index].Entry.Name) == position.Checksum;
    }
}

/// <param name="Asked">When the page it came with was asked for.</param>
/// <param name="NameChanges">The directory's count of changes by this mount at that moment.</param>
internal readonly record struct ListedEntry(DirEntry Entry, long Asked, int NameChanges);
