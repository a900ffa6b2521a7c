using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Meta.Locks;

namespace ThreeFs.Meta.Records;

/// <summary>The locks of one kind on one inode, all in one record: setting one is one read and one write.</summary>
internal static class LockRecord
{
    public const byte Version = 1;

    /// <summary>Locks of one kind that an inode may carry: the record stays below what a store takes as one value.</summary>
    public const int MaxLocks = 1000;

    private const int HeadSize = 3;
    private const int LockSize = 53;

    public static byte[] Encode(LockSet set)
    {
        var w = new RecordWriter(new byte[HeadSize + set.Locks.Length * LockSize], Version);
        w.U16((ushort)set.Locks.Length);
        foreach (var held in set.Locks)
        {
            w.Guid(held.Client.Value);
            w.U64(held.Owner);
            w.U8((byte)held.Type);
            w.I64(held.Start);
            w.I64(held.End);
            w.U32(held.Pid);
            w.I64(held.Since.Nanoseconds);
        }

        return w.Written.ToArray();
    }

    public static Result<LockSet> Decode(InodeId inode, ReadOnlySpan<byte> bytes)
    {
        var r = new RecordReader(bytes, Version);
        var locks = new FileLock[Math.Min(r.U16(), bytes.Length / LockSize)];
        for (var i = 0; i < locks.Length; i++)
        {
            locks[i] = new FileLock(
                new ClientId(r.Guid()), r.U64(), (LockType)r.U8(), r.I64(), r.I64(), r.U32(), new FileTime(r.I64()));
        }

        var status = r.End("lock", inode.Value);
        if (!status.IsOk) return status;
        return LockSet.Of(locks);
    }
}
