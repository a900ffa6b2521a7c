using ThreeFs.Base;

namespace ThreeFs.Kv.Buffering;

/// <summary>
/// The writes of one transaction, in the form a commit applies them: first the cleared ranges, then one write a key,
/// then the stamped keys. Checks every argument; the first bad one is remembered in <see cref="Failure"/> and fails the
/// commit. Invariant: a key with a <see cref="WriteKind.Mutate"/> entry is in no cleared range (it would be known, and
/// a Set).
/// </summary>
internal sealed class WriteBuffer(KeyRules rules)
{
    private readonly List<StampedKey> _stampedKeys = [];

    public OrderedByteMap<PendingWrite> Writes { get; } = new();
    public RangeSet Cleared { get; } = new();
    public RangeSet ExtraConflicts { get; } = new();
    public IReadOnlyList<StampedKey> StampedKeys => _stampedKeys;
    public Status Failure { get; private set; }

    /// <summary>Bytes of all mutations as they were made.</summary>
    public int Bytes { get; private set; }

    /// <summary>Mutations as they were made.</summary>
    public int Operations { get; private set; }

    public bool IsEmpty =>
        Writes.Count == 0 && Cleared.Count == 0 && ExtraConflicts.Count == 0 && _stampedKeys.Count == 0;

    public void Fail(Status status)
    {
        if (Failure.IsOk) Failure = status;
    }

    public void Set(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        if (!Admit(key, value)) return;
        ref var write = ref Writes.GetOrAdd(key, out _);
        write = new PendingWrite { Kind = WriteKind.Set, Value = value.ToArray() };
    }

    public void Clear(ReadOnlySpan<byte> key)
    {
        if (!Admit(key, default)) return;
        ref var write = ref Writes.GetOrAdd(key, out _);
        write = new PendingWrite { Kind = WriteKind.Clear };
    }

    public void ClearRange(ReadOnlySpan<byte> begin, ReadOnlySpan<byte> end)
    {
        if (!AdmitRange(begin, end)) return;
        foreach (var stamped in _stampedKeys)
            if (Overlaps(stamped, begin, end) && !IsInside(stamped, begin, end))
            {
                Fail(
                    new Status(
                        StatusCode.InvalidArgument,
                        "a cleared range cuts through the keys a versionstamped key could become"));
                return;
            }

        for (var i = _stampedKeys.Count - 1; i >= 0; i--)
            if (IsInside(_stampedKeys[i], begin, end)) _stampedKeys.RemoveAt(i);
        Writes.RemoveRange(begin, end);
        Cleared.Add(begin, end);
    }

    public void Mutate(KvMutation mutation, ReadOnlySpan<byte> key, ReadOnlySpan<byte> operand)
    {
        if (!Mutations.IsKnown(mutation))
        {
            Fail(new Status(StatusCode.InvalidArgument, $"unknown atomic mutation {(byte)mutation}"));
            return;
        }

        if (!Admit(key, operand)) return;
        ref var write = ref Writes.GetOrAdd(key, out var existed);
        if (!existed && !Cleared.Contains(key))
        {
            write = new PendingWrite { Kind = WriteKind.Mutate, Operations = [(mutation, operand.ToArray())] };
            return;
        }

        switch (existed ? write.Kind : WriteKind.Clear)
        {
            case WriteKind.Set:
                write.Value = Mutations.Apply(mutation, true, write.Value, operand);
                break;
            case WriteKind.Clear:
                var value = Mutations.Apply(mutation, false, default, operand);
                write = new PendingWrite { Kind = WriteKind.Set, Value = value };
                break;
            case WriteKind.Mutate:
                write.Operations!.Add((mutation, operand.ToArray()));
                break;
            default:
                Fail(
                    new Status(
                        StatusCode.InvalidArgument,
                        $"key {KvKeys.Describe(key)} holds a versionstamp that is not known yet"));
                break;
        }
    }

    public void SetStampedKey(ReadOnlySpan<byte> key, int offset, ReadOnlySpan<byte> value)
    {
        if (!Admit(key, value) || !AdmitOffset(offset, key.Length, "key")) return;
        var lowest = key.ToArray();
        var highest = key.ToArray();
        lowest.AsSpan(offset, Versionstamp.Size).Clear();
        highest.AsSpan(offset, Versionstamp.Size).Fill(0xFF);
        _stampedKeys.Add(new StampedKey(key.ToArray(), offset, value.ToArray(), lowest, KvKeys.After(highest)));
    }

    public void SetStampedValue(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, int offset)
    {
        if (!Admit(key, value) || !AdmitOffset(offset, value.Length, "value")) return;
        ref var write = ref Writes.GetOrAdd(key, out _);
        write = new PendingWrite { Kind = WriteKind.StampedSet, Value = value.ToArray(), StampOffset = offset };
    }

    public void AddWriteConflictKey(ReadOnlySpan<byte> key)
    {
        if (Admit(key, default)) ExtraConflicts.AddKey(key);
    }

    public void AddWriteConflictRange(ReadOnlySpan<byte> begin, ReadOnlySpan<byte> end)
    {
        if (AdmitRange(begin, end)) ExtraConflicts.Add(begin, end);
    }

    /// <summary>Whether [begin, end) holds a key that only the commit will know.</summary>
    public bool TouchesStampedKey(ReadOnlySpan<byte> begin, ReadOnlySpan<byte> end)
    {
        foreach (var stamped in _stampedKeys)
            if (Overlaps(stamped, begin, end)) return true;
        return false;
    }

    public bool TouchesStampedKey(ReadOnlySpan<byte> key)
    {
        foreach (var stamped in _stampedKeys)
            if (key.SequenceCompareTo(stamped.Lowest) >= 0 && key.SequenceCompareTo(stamped.Beyond) < 0) return true;
        return false;
    }

    private static bool Overlaps(StampedKey stamped, ReadOnlySpan<byte> begin, ReadOnlySpan<byte> end) =>
        begin.SequenceCompareTo(stamped.Beyond) < 0 && end.SequenceCompareTo(stamped.Lowest) > 0;

    private static bool IsInside(StampedKey stamped, ReadOnlySpan<byte> begin, ReadOnlySpan<byte> end) =>
        begin.SequenceCompareTo(stamped.Lowest) <= 0 && end.SequenceCompareTo(stamped.Beyond) >= 0;

    private bool Admit(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        Operations++;
        return Count(rules.CheckWrite(key, value.Length), key.Length + value.Length);
    }

    private bool AdmitRange(ReadOnlySpan<byte> begin, ReadOnlySpan<byte> end)
    {
        Operations++;
        return Count(rules.CheckRange(begin, end), begin.Length + end.Length) && !begin.SequenceEqual(end);
    }

    private bool AdmitOffset(int offset, int length, string what)
    {
        var status = KeyRules.CheckStamp(offset, length, what);
        if (!status.IsOk) Fail(status);
        return status.IsOk;
    }

    /// <summary>
    /// Past the limit nothing is buffered any more, so a runaway transaction cannot take the memory either.
    /// </summary>
    private bool Count(Status status, int bytes)
    {
        if (status.IsOk && (Bytes += bytes) > KvLimits.MaxTransactionBytes) status = KeyRules.TooManyBytes;
        if (!status.IsOk) Fail(status);
        return Failure.IsOk;
    }
}
