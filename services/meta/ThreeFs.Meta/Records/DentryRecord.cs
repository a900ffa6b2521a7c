using ThreeFs.Base;
using ThreeFs.Contracts.Meta;

namespace ThreeFs.Meta.Records;

/// <summary>A directory entry: what a name leads to. The type is repeated here for listings without attributes.</summary>
internal readonly record struct DentryRecord(InodeId Inode, InodeType Type)
{
    public const byte Version = 1;
    private const int Size = 10;

    public byte[] Encode()
    {
        var w = new RecordWriter(stackalloc byte[Size], Version);
        w.U8((byte)Type);
        w.U64(Inode.Value);
        return w.Written.ToArray();
    }

    public static Result<DentryRecord> Decode(InodeId parent, ReadOnlySpan<byte> bytes)
    {
        var r = new RecordReader(bytes, Version);
        var type = (InodeType)r.U8();
        var inode = new InodeId(r.U64());
        var status = r.End("directory entry", parent.Value);
        if (!status.IsOk) return status;
        return new DentryRecord(inode, type);
    }
}
