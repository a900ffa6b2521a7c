using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Fuse.Protocol;

namespace ThreeFs.Fuse.Tables;

/// <summary>
/// The inodes that the kernel knows, each with how often it was told, and those that are open. A node number is the
/// inode's id; only the root differs, which is 1 for the kernel and 0 in the file system (1 is a hidden inode that
/// never gets a name). Thread-safe.
/// </summary>
internal sealed class InodeTable(TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<InodeId, InodeState> _inodes = [];

    public int Count
    {
        get
        {
            lock (_lock) return _inodes.Count;
        }
    }

    public static InodeId IdOf(ulong node) => node == FuseConstants.RootNode ? InodeId.Root : new InodeId(node);

    public static ulong NodeOf(InodeId id) => id == InodeId.Root ? FuseConstants.RootNode : id.Value;

    public InodeState? Find(InodeId id)
    {
        lock (_lock) return _inodes.GetValueOrDefault(id);
    }

    /// <summary>
    /// Takes in what the metadata service said, for an inode that is known here or not, and counts one more lookup.
    /// </summary>
    /// <param name="asked">When the question was sent.</param>
    public InodeState Told(InodeAttr attr, long asked)
    {
        InodeState state;
        lock (_lock)
        {
            state = GetOrAdd(attr, asked);
            state.Lookups++;
        }

        state.Merge(attr, asked);
        return state;
    }

    /// <summary>One more open file; keeps the inode here.</summary>
    public InodeState Opened(InodeAttr attr, long asked, bool hasSession)
    {
        InodeState state;
        lock (_lock)
        {
            state = GetOrAdd(attr, asked);
            if (state.Opens++ == 0) state.OpenedAt = time.GetTimestamp();
            if (hasSession) state.Writers++;
        }

        state.Merge(attr, asked);
        return state;
    }

    /// <summary>One open file fewer; how many are left.</summary>
    public int Closed(InodeState state, bool hadSession)
    {
        lock (_lock)
        {
            state.Opens--;
            if (hadSession) state.Writers--;
            Invariant.Check(state.Opens >= state.Writers
                && state.Writers >= 0, "a file is closed as often as it was opened");
            DropIfUnused(state);
            return state.Opens;
        }
    }

    /// <summary>How many files are open of this inode, and how many of them have a session.</summary>
    public (int Opens, int Writers) OpenCounts(InodeState state)
    {
        lock (_lock) return (state.Opens, state.Writers);
    }

    public void Forget(InodeId id, ulong count)
    {
        lock (_lock)
        {
            // The kernel may forget the root, which nobody ever told it.
            if (!_inodes.TryGetValue(id, out var state)) return;
            state.Lookups = count > state.Lookups ? 0 : state.Lookups - count;
            DropIfUnused(state);
        }
    }

    /// <summary>Those with open files.</summary>
    public List<InodeState> AllOpen()
    {
        lock (_lock) return [.. _inodes.Values.Where(i => i.Opens > 0)];
    }

    private InodeState GetOrAdd(InodeAttr attr, long asked)
    {
        if (_inodes.TryGetValue(attr.Id, out var state)) return state;
        state = new InodeState(attr, asked, time);
        _inodes.Add(attr.Id, state);
        return state;
    }

    private void DropIfUnused(InodeState state)
    {
        if (state.Lookups == 0 && state.Opens == 0) _inodes.Remove(state.Id);
    }
}
