using ThreeFs.Base;

namespace ThreeFs.Meta.Records;

internal enum GarbageKind : byte
{
    /// <summary>An inode without names: its chunks go when no session is left, then its record.</summary>
    File = 1,
    /// <summary>A detached directory: its entries are removed page by page, then its record.</summary>
    Tree = 2,
}

/// <summary>Work for the collector; when it is due is in the key.</summary>
internal readonly record struct GarbageRecord(GarbageKind Kind)
{
    public const byte Version = 1;
    private const int Size = 2;

    public byte[] Encode()
    {
        var w = new RecordWriter(stackalloc byte[Size], Version);
        w.U8((byte)Kind);
        return w.Written.ToArray();
    }

    public static Result<GarbageRecord> Decode(InodeId inode, ReadOnlySpan<byte> bytes)
    {
        var r = new RecordReader(bytes, Version);
        var record = new GarbageRecord((GarbageKind)r.U8());
        var status = r.End("garbage", inode.Value);
        if (!status.IsOk) return status;
        return record;
    }
}
