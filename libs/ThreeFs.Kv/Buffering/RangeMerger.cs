using ThreeFs.Base;

namespace ThreeFs.Kv.Buffering;

/// <summary>
/// Merges the rows of a snapshot, offered in the direction of the read, with the transaction's own writes, until a
/// limit is reached. Rows of the snapshot are offered with <see cref="Offer"/> until it answers false; then <see
/// cref="Finish"/>.
/// </summary>
internal sealed class RangeMerger
{
    private readonly WriteBuffer? _writes;
    private readonly bool _reverse;
    private readonly int _limit;
    private readonly byte[] _bound;
    private readonly List<KvRow> _rows = [];
    private OrderedByteMap<PendingWrite>.Position _own;
    private int _bytes;

    public RangeMerger(WriteBuffer? writes, ReadOnlySpan<byte> begin, ReadOnlySpan<byte> end, int limit, bool reverse)
    {
        _writes = writes is { } some && (some.Writes.Count > 0 || some.Cleared.Count > 0) ? writes : null;
        _limit = limit;
        _reverse = reverse;
        _bound = _writes is null ? [] : (reverse ? begin : end).ToArray();
        if (_writes is not null) _own = reverse ? _writes.Writes.Before(end) : _writes.Writes.AtOrAfter(begin);
    }

    public Status Failure { get; private set; }

    /// <summary>A limit ended the page.</summary>
    public bool IsFull => _rows.Count == _limit || _bytes >= KvLimits.MaxPageBytes;

    public IReadOnlyList<KvRow> Rows => _rows;

    /// <summary>Takes a row of the snapshot; false when no further row is wanted.</summary>
    public bool Offer(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        if (_writes is null) return Emit(key.ToArray(), value.ToArray());
        while (OwnKey() is { } own)
        {
            var order = _reverse ? key.SequenceCompareTo(own) : own.AsSpan().SequenceCompareTo(key);
            if (order > 0) break;
            if (!EmitOwn(own, order == 0, value)) return false;
            if (order == 0) return true;
        }

        return _writes.Cleared.Contains(key) || Emit(key.ToArray(), value.ToArray());
    }

    /// <summary>The snapshot has no more rows: the rest are the transaction's own.</summary>
    public void Finish()
    {
        while (!IsFull && Failure.IsOk && OwnKey() is { } own)
            if (!EmitOwn(own, false, default)) return;
    }

    private byte[]? OwnKey()
    {
        if (_writes is null || !_writes.Writes.IsValid(_own)) return null;
        var key = _writes.Writes.KeyAt(_own);
        var order = key.AsSpan().SequenceCompareTo(_bound);
        return (_reverse ? order >= 0 : order < 0) ? key : null;
    }

    private bool EmitOwn(byte[] key, bool exists, ReadOnlySpan<byte> current)
    {
        ref var write = ref _writes!.Writes.ValueAt(_own);
        _own = _reverse ? _writes.Writes.Previous(_own) : _writes.Writes.Next(_own);
        if (write.Kind == WriteKind.StampedSet)
        {
            Failure = ReadErrors.NotReadableYet(key);
            return false;
        }

        var value = write.ApplyTo(exists, current);
        return value is null || Emit(key.AsSpan().ToArray(), value.AsSpan().ToArray());
    }

    private bool Emit(byte[] key, byte[] value)
    {
        _rows.Add(new KvRow(key, value));
        _bytes += key.Length + value.Length;
        return !IsFull;
    }
}
