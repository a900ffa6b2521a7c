using ThreeFs.Base;

namespace ThreeFs.Storage.Updates;

/// <summary>
/// The latest truncation of each file that was here, so that an earlier one that arrives late (its metadata server was stopped, or its
/// connection lost, and another server did the work) takes nothing away from what was written since.
/// </summary>
/// <remarks>
/// Kept by the head in memory only. A new head starts without: a late request that was planned with the old chain version is refused for
/// that, and a metadata server plans none anew after its order is too old (see <c>CutOrder</c>). Bounded: the file truncated
/// longest ago is forgotten first. Owned by the replica's executor.
/// </remarks>
internal sealed class CutFences(int capacity = CutFences.DefaultCapacity)
{
    private const int DefaultCapacity = 16_384;

    private readonly Dictionary<InodeId, uint> _latest = [];
    private readonly Queue<(InodeId Inode, uint Version)> _order = new();

    /// <summary>Takes note of a truncation; false when a later one was here before. Version 0 is not a truncation.</summary>
    public bool Enter(InodeId inode, TruncateVersion version)
    {
        if (!IsCurrent(inode, version)) return false;
        if (version.Value == 0 || (_latest.TryGetValue(inode, out var known) && known == version.Value)) return true;
        _latest[inode] = version.Value;
        _order.Enqueue((inode, version.Value));
        if (_order.Count > capacity && _order.TryDequeue(out var oldest) && _latest[oldest.Inode] == oldest.Version) _latest.Remove(oldest.Inode);
        return true;
    }

    /// <summary>No later truncation of the file was here.</summary>
    public bool IsCurrent(InodeId inode, TruncateVersion version) =>
        version.Value == 0 || !_latest.TryGetValue(inode, out var known) || known <= version.Value;
}
