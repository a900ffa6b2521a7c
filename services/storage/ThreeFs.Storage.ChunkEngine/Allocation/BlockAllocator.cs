using ThreeFs.Base;
using ThreeFs.Storage.ChunkEngine.Device;

namespace ThreeFs.Storage.ChunkEngine.Allocation;

/// <summary>
/// The blocks of one class: groups of 256, each with three bitmaps. Pure: no I/O.
/// </summary>
/// <remarks>
/// <b>Taken</b>: not to be handed out. <b>Stored</b>: some record of the index refers to it; what the index holds of the
/// allocator. <b>Reserved</b>: the disk has space for it. Stored implies taken; a block that is taken and not stored is being
/// written for the first time, or was given up and waits until the index that says so is durable.
/// The lowest free block is taken first, which keeps groups dense and lets the highest ones become empty.
/// </remarks>
internal sealed class BlockAllocator(BlockClass size)
{
    private readonly List<Group> _groups = [];
    private int _firstWithFree;

    public BlockClass Size { get; } = size;

    public long TakenBlocks { get; private set; }

    public long ReservedBlocks { get; private set; }

    public int GroupCount => _groups.Count;

    public BlockPosition Take()
    {
        for (; _firstWithFree < _groups.Count; _firstWithFree++)
        {
            var group = _groups[_firstWithFree];
            var bit = group.IsReleasing ? -1 : group.Taken.FirstClear();
            if (bit >= 0) return Take(_firstWithFree, bit);
        }

        _groups.Add(new Group());
        return Take(_groups.Count - 1, 0);
    }

    /// <summary>Takes a given block; false when it is taken. For loading.</summary>
    public bool TryTake(BlockPosition position)
    {
        var group = GroupOf(position, out var bit);
        if (group.Taken.Has(bit)) return false;
        Take((int)(position.Index / BlockBitmap.Bits), bit);
        MarkReserved(position);
        return true;
    }

    public void GiveBack(BlockPosition position)
    {
        var group = GroupOf(position, out var bit);
        Invariant.Check(group.Taken.Has(bit) && !group.Stored.Has(bit), "a block is given back once, when no record refers to it");
        group.Taken.Clear(bit);
        TakenBlocks--;
        _firstWithFree = Math.Min(_firstWithFree, (int)(position.Index / BlockBitmap.Bits));
    }

    public bool IsTaken(BlockPosition position) => GroupOf(position, out var bit).Taken.Has(bit);

    /// <summary>A record that refers to the block is being written; the result is what the index must hold of the group.</summary>
    public ref readonly BlockBitmap Store(BlockPosition position)
    {
        var group = GroupOf(position, out var bit);
        Invariant.Check(group.Taken.Has(bit) && !group.Stored.Has(bit), "a block gets one owner");
        group.Stored.Set(bit);
        return ref group.Stored;
    }

    /// <summary>The last record that refers to the block is being deleted; the result is what the index must hold of the group.</summary>
    public ref readonly BlockBitmap Unstore(BlockPosition position)
    {
        var group = GroupOf(position, out var bit);
        Invariant.Check(group.Stored.Has(bit), "a block that loses its owner had one");
        group.Stored.Clear(bit);
        return ref group.Stored;
    }

    public ref readonly BlockBitmap StoredOf(int group)
    {
        while (_groups.Count <= group) _groups.Add(new Group());
        return ref _groups[group].Stored;
    }

    public bool IsReserved(BlockPosition position) => GroupOf(position, out var bit).Reserved.Has(bit);

    public void MarkReserved(BlockPosition position)
    {
        var group = GroupOf(position, out var bit);
        if (group.Reserved.Has(bit)) return;
        group.Reserved.Set(bit);
        ReservedBlocks++;
    }

    /// <summary>
    /// A group without a taken block whose disk space is worth giving back: the first is kept. It hands out no block until
    /// <see cref="EndRelease"/>.
    /// </summary>
    public bool TryBeginRelease(out int index)
    {
        var empty = 0;
        for (index = _groups.Count - 1; index >= 0; index--)
        {
            var group = _groups[index];
            if (group.IsReleasing || group.Reserved.Count == 0 || group.Taken.Count != 0) continue;
            if (index == 0 && empty == 0) continue;
            empty++;
            group.IsReleasing = true;
            return true;
        }

        return false;
    }

    public void EndRelease(int index, bool released)
    {
        var group = _groups[index];
        group.IsReleasing = false;
        if (released)
        {
            ReservedBlocks -= group.Reserved.Count;
            group.Reserved = default;
        }

        _firstWithFree = Math.Min(_firstWithFree, index);
    }

    private BlockPosition Take(int group, int bit)
    {
        _groups[group].Taken.Set(bit);
        TakenBlocks++;
        return new BlockPosition(Size, (long)group * BlockBitmap.Bits + bit);
    }

    private Group GroupOf(BlockPosition position, out int bit)
    {
        Invariant.Check(position.IsValid && position.Class == Size, "the block is of this class");
        var group = (int)(position.Index / BlockBitmap.Bits);
        bit = (int)(position.Index % BlockBitmap.Bits);
        while (_groups.Count <= group) _groups.Add(new Group());
        return _groups[group];
    }

    private sealed class Group
    {
        public BlockBitmap Taken;
        public BlockBitmap Stored;
        public BlockBitmap Reserved;
        public bool IsReleasing;
    }
}
