using ThreeFs.Base;
using ThreeFs.Contracts.Storage;

namespace ThreeFs.Storage.Updates;

internal enum ChannelVerdict : byte
{
    /// <summary>Not seen: execute it.</summary>
    New,
    /// <summary>The answer is known.</summary>
    Repeated,
    /// <summary>A later update of the channel was seen: its sender has given this one up.</summary>
    Stale,
}

/// <summary>
/// The last successful update of each client channel on one target, so that a repetition is answered and not executed although other
/// updates of the chunk came between. Every replica of a chain fills its own while the update passes, so a new head knows
/// what the old one did. In memory only: after a restart of all replicas, the chunk's own tag still recognises its last update.
/// </summary>
/// <remarks>Bounded: a ring of slots in order of first use; a channel used again keeps its slot, a new one takes the oldest.</remarks>
internal sealed class ChannelTable
{
    private readonly record struct Key(ClientId Client, ChannelId Channel);

    private struct Slot
    {
        public Key Key;
        public ulong Sequence;
        public ChunkId Chunk;
        public UpdateResult Result;
        public bool IsUsed;
        public bool IsRecent;
    }

    private readonly Dictionary<Key, int> _index;
    private readonly Slot[] _slots;
    private int _hand;

    public ChannelTable(int capacity)
    {
        _slots = new Slot[capacity];
        _index = new Dictionary<Key, int>(capacity);
    }

    public int Count => _index.Count;

    public ChannelVerdict Look(UpdateTag tag, ChunkId chunk, out UpdateResult result)
    {
        result = default;
        if (tag.Channel.Value == 0 || !_index.TryGetValue(new Key(tag.Client, tag.Channel), out var i)) return ChannelVerdict.New;
        ref var slot = ref _slots[i];
        slot.IsRecent = true;
        if (tag.Sequence > slot.Sequence) return ChannelVerdict.New;
        if (tag.Sequence < slot.Sequence) return ChannelVerdict.Stale;
        if (slot.Chunk != chunk) return ChannelVerdict.New;
        result = slot.Result;
        return ChannelVerdict.Repeated;
    }

    public void Record(UpdateTag tag, ChunkId chunk, in UpdateResult result)
    {
        if (tag.Channel.Value == 0) return;
        var key = new Key(tag.Client, tag.Channel);
        if (!_index.TryGetValue(key, out var i))
        {
            i = TakeSlot();
            _index.Add(key, i);
            _slots[i] = new Slot { Key = key, IsUsed = true };
        }

        ref var slot = ref _slots[i];
        if (tag.Sequence < slot.Sequence) return;
        slot.Sequence = tag.Sequence;
        slot.Chunk = chunk;
        slot.Result = result;
        slot.IsRecent = true;
    }

    public void Clear()
    {
        _index.Clear();
        Array.Clear(_slots);
        _hand = 0;
    }

    /// <summary>Second chance: a channel used since the hand passed is spared once.</summary>
    private int TakeSlot()
    {
        for (;;)
        {
            var i = _hand;
            _hand = (_hand + 1) % _slots.Length;
            ref var slot = ref _slots[i];
            if (slot.IsUsed && slot.IsRecent)
            {
                slot.IsRecent = false;
                continue;
            }

            if (slot.IsUsed) _index.Remove(slot.Key);
            return i;
        }
    }
}
