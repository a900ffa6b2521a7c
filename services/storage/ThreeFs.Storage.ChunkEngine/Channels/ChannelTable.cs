using ThreeFs.Base;
using ThreeFs.Contracts.Storage;

namespace ThreeFs.Storage.ChunkEngine.Channels;

public enum ChannelVerdict : byte
{
    /// <summary>Not seen: execute it.</summary>
    New,
    /// <summary>The answer is known.</summary>
    Repeated,
    /// <summary>A later update of the channel was seen: its sender has given this one up.</summary>
    Stale,
}

/// <summary>
/// The last update of each client channel on one target, so that a repetition is answered and not executed although other
/// updates of the chunk came between. Every replica of a chain fills its own while the update passes, so a new head knows what the
/// old one did.
/// </summary>
/// <remarks>
/// Bounded: a ring of slots; a channel used again keeps its slot, a new one takes one that was not used lately. Slots that
/// changed are known until they are <see cref="TakeChanges">taken</see>, to be written to the index.
/// </remarks>
public sealed class ChannelTable
{
    private readonly record struct Key(ClientId Client, ChannelId Channel);

    private struct Slot
    {
        public ChannelUpdate Update;
        public bool IsUsed;
        public bool IsRecent;
        public bool IsChanged;

        public readonly Key Key => KeyOf(Update.Tag);
    }

    private readonly Dictionary<Key, int> _index;
    private readonly Slot[] _slots;
    private readonly List<int> _changed = [];
    private int _hand;
    private int _highest = -1;

    internal ChannelTable(int capacity)
    {
        _slots = new Slot[capacity];
        _index = new Dictionary<Key, int>(capacity);
    }

    public int Count => _index.Count;

    /// <summary>Slots that were ever used, in memory or in the index, are below.</summary>
    internal int UsedSlots => _highest + 1;

    internal bool HasChanges => _changed.Count > 0;

    public ChannelVerdict Look(UpdateTag tag, ChunkId chunk, out ChannelUpdate known)
    {
        known = default;
        if (tag.Channel.Value == 0 || !_index.TryGetValue(KeyOf(tag), out var i)) return ChannelVerdict.New;
        ref var slot = ref _slots[i];
        slot.IsRecent = true;
        if (tag.Sequence > slot.Update.Tag.Sequence) return ChannelVerdict.New;
        if (tag.Sequence < slot.Update.Tag.Sequence) return ChannelVerdict.Stale;
        if (slot.Update.Chunk != chunk) return ChannelVerdict.New;
        known = slot.Update;
        return ChannelVerdict.Repeated;
    }

    /// <summary>Ignored when a later update of the channel is known, and for updates without a channel.</summary>
    public void Record(in ChannelUpdate update)
    {
        if (update.Tag.Channel.Value == 0) return;
        var key = KeyOf(update.Tag);
        if (!_index.TryGetValue(key, out var i))
        {
            i = TakeSlot();
            _index.Add(key, i);
            _highest = Math.Max(_highest, i);
        }
        else if (update.Tag.Sequence < _slots[i].Update.Tag.Sequence)
        {
            return;
        }

        ref var slot = ref _slots[i];
        slot.Update = update;
        slot.IsUsed = slot.IsRecent = true;
        if (slot.IsChanged) return;
        slot.IsChanged = true;
        _changed.Add(i);
    }

    /// <summary>All of them, in no order.</summary>
    public ChannelUpdate[] ToArray()
    {
        var updates = new ChannelUpdate[_index.Count];
        var count = 0;
        foreach (var i in _index.Values) updates[count++] = _slots[i].Update;
        return updates;
    }

    /// <summary>Appends the slots that changed since the last call.</summary>
    internal void TakeChanges(List<(int Slot, ChannelUpdate Update)> changes)
    {
        foreach (var i in _changed)
        {
            _slots[i].IsChanged = false;
            changes.Add((i, _slots[i].Update));
        }

        _changed.Clear();
    }

    /// <summary>A slot as it was stored. Of a channel that was stored in two slots the later update counts.</summary>
    internal void Restore(int index, in ChannelUpdate update)
    {
        if (index >= _slots.Length) return;
        _highest = Math.Max(_highest, index);
        if (_index.TryGetValue(KeyOf(update.Tag), out var other))
        {
            if (_slots[other].Update.Tag.Sequence >= update.Tag.Sequence) return;
            _slots[other] = default;
        }

        _index[KeyOf(update.Tag)] = index;
        _slots[index] = new Slot { Update = update, IsUsed = true, IsRecent = true };
    }

    internal void Clear()
    {
        _index.Clear();
        _changed.Clear();
        Array.Clear(_slots);
        (_hand, _highest) = (0, -1);
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

    private static Key KeyOf(in UpdateTag tag) => new(tag.Client, tag.Channel);
}
