using ThreeFs.Base;
using ThreeFs.Kv.Buffering;
using ThreeFs.Kv.Lmdb.Commit;
using ThreeFs.Kv.Lmdb.Durability;
using ThreeFs.Kv.Lmdb.Storage;

namespace ThreeFs.Kv.Tests.Lmdb;

/// <summary>Golden bytes of what the engine stores. A change here is a new format version.</summary>
public sealed class StoredFormatTests
{
    [Fact]
    public void Internal_keys()
    {
        Assert.Equal("FF00", Convert.ToHexString(StoredKeys.Format));
        Assert.Equal("FF01", Convert.ToHexString(StoredKeys.Version));
        var key = new byte[StoredKeys.LogKeyBytes];
        StoredKeys.WriteLogKey(key, new KvVersion(0x0102030405060708));
        Assert.Equal("FF020102030405060708", Convert.ToHexString(key));
        Assert.Equal(0x0102030405060708, StoredKeys.ReadLogKey(key).Value);
    }

    [Fact]
    public void Commit_log_record()
    {
        var written = new RangeSet();
        written.AddKey("key"u8);
        written.Add("m"u8, "mz"u8);
        var record = new List<byte>();
        CommitLogRecord.Start(record, 0x0102030405060708);
        CommitLogRecord.Append(record, written.Intervals);
        Assert.Equal(
            "01" + "0807060504030201" + "0300FFFF6B6579" + "010002006D6D7A",
            Convert.ToHexString(record.ToArray()));
        Assert.Equal(0x0102030405060708, CommitLogRecord.ReadTime(record.ToArray()));
        var read = CommitLogRecord.ReadWrites(record.ToArray())!;
        Assert.Equal(2, read.Length);
        Assert.True(read[0].IsKey);
        Assert.Equal("key"u8, read[0].Begin);
        Assert.Equal("m"u8, read[1].Begin);
        Assert.Equal("mz"u8, read[1].End);
        for (var length = 0; length < record.Count; length++)
            if (length is not 9 and not 16) Assert.Null(CommitLogRecord.ReadWrites(record.ToArray().AsSpan(0, length)));
        record[0] = 2;
        Assert.Null(CommitLogRecord.ReadWrites(record.ToArray()));
    }

    [Fact]
    public void Long_key_bucket()
    {
        var bucket = LongKeyBucket.With(default, "bb"u8, [1]);
        bucket = LongKeyBucket.With(bucket, "a"u8, [2, 3]);
        bucket = LongKeyBucket.With(bucket, "bb"u8, []);
        Assert.Equal("0100" + "02000000" + "61" + "0203" + "0200" + "00000000" + "6262", Convert.ToHexString(bucket));
        Assert.True(LongKeyBucket.TryGet(bucket, "a"u8, out var value));
        Assert.Equal([2, 3], value.ToArray());
        Assert.False(LongKeyBucket.TryGet(bucket, "b"u8, out _));
        Assert.Empty(LongKeyBucket.With(LongKeyBucket.With(bucket, "a"u8, null), "bb"u8, null));
    }

    [Fact]
    public void Steady_record()
    {
        var meta = new byte[MetaPage.Bytes];
        meta[10] = 8;
        Convert.FromHexString("DEC0EFBE01000000").CopyTo(meta, 16);
        meta[41] = 0x10;
        meta[144] = 0x2A;
        var record = new SteadyRecord(0x0102030405060708, Guid.Parse("00112233-4455-6677-8899-aabbccddeeff"), meta);
        var bytes = record.Encode();
        Assert.Equal(189, bytes.Length);
        Assert.Equal(
            "3346535445414459" + "01" + "0807060504030201" + "33221100554477668899AABBCCDDEEFF",
            Convert.ToHexString(bytes[..33]));
        Assert.Equal(Crc32C.Compute(bytes.AsSpan(0, 185)), BitConverter.ToUInt32(bytes, 185));
        var read = SteadyRecord.Decode(bytes, "x").Value!;
        Assert.Equal((record.Sequence, record.BootId, 42), (read.Sequence, read.BootId, read.TransactionId));

        bytes[100] ^= 1;
        Assert.Null(SteadyRecord.Decode(bytes, "x").Value);
        bytes[100] ^= 1;
        bytes[8] = 2;
        BitConverter.TryWriteBytes(bytes.AsSpan(185), Crc32C.Compute(bytes.AsSpan(0, 185)));
        Assert.Equal(StatusCode.UnknownFormatVersion, SteadyRecord.Decode(bytes, "x").Code);
    }
}
