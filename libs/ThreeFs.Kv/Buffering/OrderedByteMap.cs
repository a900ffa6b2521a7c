using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace ThreeFs.Kv.Buffering;

/// <summary>
/// Byte keys in order: a list of sorted chunks, so that a lookup is two binary searches and an insertion moves at most
/// one chunk. Positions stay valid until the next insertion or removal. Not thread-safe. Invariants: no chunk is empty
/// or larger than <see cref="ChunkSize"/>; keys ascend within and across chunks.
/// </summary>
internal sealed class OrderedByteMap<T>
{
    internal const int ChunkSize = 256;

    private readonly List<List<Entry>> _chunks = [];

    public int Count { get; private set; }

    public bool TryGet(ReadOnlySpan<byte> key, [MaybeNullWhen(false)] out T value)
    {
        if (Find(key, out var position))
        {
            value = _chunks[position.Chunk][position.Index].Value;
            return true;
        }

        value = default;
        return false;
    }

    /// <summary>
    /// The slot of <paramref name="key"/>, made with the default value when it was not there. Valid until the next
    /// change.
    /// </summary>
    public ref T GetOrAdd(ReadOnlySpan<byte> key, out bool existed)
    {
        existed = Find(key, out var position);
        if (!existed) position = Insert(position, new Entry(key.ToArray()));
        return ref CollectionsMarshal.AsSpan(_chunks[position.Chunk])[position.Index].Value;
    }

    public bool Remove(ReadOnlySpan<byte> key)
    {
        if (!Find(key, out var position)) return false;
        RemoveAt(position);
        return true;
    }

    public void RemoveRange(ReadOnlySpan<byte> begin, ReadOnlySpan<byte> end)
    {
        // From the back, so that a removal moves only what stays.
        while (Before(end) is var position && IsValid(position) && KeyAt(position).SequenceCompareTo(begin) >= 0)
            RemoveAt(position);
    }

    public void Clear()
    {
        _chunks.Clear();
        Count = 0;
    }

    /// <summary>The first entry with a key not smaller; invalid when there is none.</summary>
    public Position AtOrAfter(ReadOnlySpan<byte> key)
    {
        Find(key, out var position);
        return position.Chunk < _chunks.Count && position.Index == _chunks[position.Chunk].Count
            ? new Position(position.Chunk + 1, 0)
            : position;
    }

    /// <summary>The last entry with a smaller key; invalid when there is none.</summary>
    public Position Before(ReadOnlySpan<byte> key) => Previous(AtOrAfter(key));

    public bool IsValid(Position position) => position.Chunk >= 0 && position.Chunk < _chunks.Count;

    public Position Next(Position position) =>
        position.Index + 1 < _chunks[position.Chunk].Count
            ? position with { Index = position.Index + 1 }
            : new Position(position.Chunk + 1, 0);

    public Position Previous(Position position)
    {
        if (position.Chunk < _chunks.Count && position.Index > 0) return position with { Index = position.Index - 1 };
        var chunk = position.Chunk - 1;
        return chunk < 0 ? new Position(-1, 0) : new Position(chunk, _chunks[chunk].Count - 1);
    }

    public byte[] KeyAt(Position position) => _chunks[position.Chunk][position.Index].Key;

    public ref T ValueAt(Position position) =>
        ref CollectionsMarshal.AsSpan(_chunks[position.Chunk])[position.Index].Value;

    public void RemoveAt(Position position)
    {
        var chunk = _chunks[position.Chunk];
        chunk.RemoveAt(position.Index);
        if (chunk.Count == 0) _chunks.RemoveAt(position.Chunk);
        Count--;
    }

    /// <summary>
    /// False: the position is where the key would be inserted, possibly one past the end of its chunk.
    /// </summary>
    private bool Find(ReadOnlySpan<byte> key, out Position position)
    {
        int low = 0, high = _chunks.Count - 1;
        while (low < high)
        {
            var middle = (low + high + 1) >>> 1;
            if (key.SequenceCompareTo(_chunks[middle][0].Key) < 0) high = middle - 1;
            else low = middle;
        }

        if (_chunks.Count == 0)
        {
            position = default;
            return false;
        }

        var found = Search(CollectionsMarshal.AsSpan(_chunks[low]), key, out var index);
        position = new Position(low, index);
        return found;
    }

    private static bool Search(Span<Entry> entries, ReadOnlySpan<byte> key, out int index)
    {
        int low = 0, high = entries.Length - 1;
        while (low <= high)
        {
            var middle = (low + high) >>> 1;
            var order = key.SequenceCompareTo(entries[middle].Key);
            if (order == 0)
            {
                index = middle;
                return true;
            }

            if (order < 0) high = middle - 1;
            else low = middle + 1;
        }

        index = low;
        return false;
    }

    private Position Insert(Position position, Entry entry)
    {
        if (_chunks.Count == 0) _chunks.Add([]);
        var chunk = _chunks[position.Chunk];
        if (chunk.Count == ChunkSize)
        {
            // An append splits off an empty tail, so that ascending insertion leaves full chunks behind.
            var keep = position.Index == ChunkSize && position.Chunk == _chunks.Count - 1 ? ChunkSize : ChunkSize / 2;
            _chunks.Insert(position.Chunk + 1, chunk.GetRange(keep, ChunkSize - keep));
            chunk.RemoveRange(keep, ChunkSize - keep);
            if (position.Index >= keep) position = new Position(position.Chunk + 1, position.Index - keep);
        }

        _chunks[position.Chunk].Insert(position.Index, entry);
        Count++;
        return position;
    }

    internal readonly record struct Position(int Chunk, int Index);

    private struct Entry(byte[] key)
    {
        public readonly byte[] Key = key;
        public T Value = default!;
    }
}
