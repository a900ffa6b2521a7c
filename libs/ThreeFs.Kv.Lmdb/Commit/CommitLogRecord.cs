using System.Buffers.Binary;
using ThreeFs.Kv.Buffering;

namespace ThreeFs.Kv.Lmdb.Commit;

/// <summary>
/// One row of the commit log, for the other processes' conflict detection: format version u8, time of the commit in UTC
/// milliseconds i64, then for each range written: length of begin u16, length of end u16 (<see cref="SingleKey"/>: the
/// range is the key begin and no end follows), begin, end. Little-endian.
/// </summary>
internal static class CommitLogRecord
{
    public const byte FormatVersion = 1;
    public const int HeaderBytes = 9;
    private const ushort SingleKey = 0xFFFF;

    public static void Start(List<byte> record, long utcMilliseconds)
    {
        record.Clear();
        record.Add(FormatVersion);
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, utcMilliseconds);
        record.AddRange(bytes);
    }

    public static void Append(List<byte> record, ReadOnlySpan<RangeSet.Interval> written)
    {
        Span<byte> header = stackalloc byte[4];
        foreach (var interval in written)
        {
            var single = interval.IsKey;
            BinaryPrimitives.WriteUInt16LittleEndian(header, (ushort)interval.BeginLength);
            BinaryPrimitives.WriteUInt16LittleEndian(header[2..], single ? SingleKey : (ushort)interval.End.Length);
            record.AddRange(header);
            record.AddRange(interval.Begin);
            if (!single) record.AddRange(interval.End);
        }
    }

    /// <summary>Null: not a record this build can read.</summary>
    public static long? ReadTime(ReadOnlySpan<byte> record) =>
        record.Length >= HeaderBytes && record[0] == FormatVersion
            ? BinaryPrimitives.ReadInt64LittleEndian(record[1..])
            : null;

    public static RangeSet.Interval[]? ReadWrites(ReadOnlySpan<byte> record)
    {
        if (ReadTime(record) is null) return null;
        var writes = new List<RangeSet.Interval>();
        record = record[HeaderBytes..];
        while (!record.IsEmpty)
        {
            if (record.Length < 4) return null;
            var begin = BinaryPrimitives.ReadUInt16LittleEndian(record);
            var end = BinaryPrimitives.ReadUInt16LittleEndian(record[2..]);
            var single = end == SingleKey;
            if (record.Length < 4 + begin + (single ? 0 : end)) return null;
            var key = record.Slice(4, begin);
            writes.Add(single
                ? RangeSet.Interval.Of(key)
                : new RangeSet.Interval(key.ToArray(), begin, record.Slice(4 + begin, end).ToArray()));
            record = record[(4 + begin + (single ? 0 : end))..];
        }

        return [.. writes];
    }
}
