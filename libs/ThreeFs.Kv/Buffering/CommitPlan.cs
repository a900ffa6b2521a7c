namespace ThreeFs.Kv.Buffering;

/// <summary>What commit needs from a buffer besides the writes themselves.</summary>
internal static class CommitPlan
{
    /// <summary>Everything the transaction writes, except stamped keys, which only the commit knows.</summary>
    public static RangeSet WriteConflicts(WriteBuffer buffer)
    {
        var ranges = new RangeSet();
        foreach (var interval in buffer.Cleared.Intervals) ranges.Add(interval.Begin, interval.End);
        foreach (var interval in buffer.ExtraConflicts.Intervals) ranges.Add(interval.Begin, interval.End);
        for (var at = buffer.Writes.AtOrAfter(default); buffer.Writes.IsValid(at); at = buffer.Writes.Next(at))
            ranges.AddKey(buffer.Writes.KeyAt(at));
        return ranges;
    }

    /// <summary>Puts the stamp into a copy of a key or value.</summary>
    public static byte[] Stamped(byte[] template, int offset, Versionstamp stamp)
    {
        var bytes = template.AsSpan().ToArray();
        stamp.Write(bytes.AsSpan(offset));
        return bytes;
    }
}
