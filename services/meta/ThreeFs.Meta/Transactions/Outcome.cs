using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Meta.Records;

namespace ThreeFs.Meta.Transactions;

/// <summary>
/// What a mutation answers, in the one form that is remembered for repeated requests: up to two inodes and a flag, with the
/// meaning that the operation gives them.
/// </summary>
internal sealed record Outcome(InodeAttr? First = null, InodeAttr? Second = null, bool Flag = false)
{
    public const byte Version = 1;
    public static readonly Outcome Nothing = new();

    private const int MaxSize = 10_000;

    public byte[] Encode()
    {
        Span<byte> buffer = stackalloc byte[MaxSize];
        var w = new RecordWriter(buffer, Version);
        w.U8(Flag ? (byte)1 : (byte)0);
        Write(ref w, First);
        Write(ref w, Second);
        return w.Written.ToArray();
    }

    public static Result<Outcome> Decode(ReadOnlySpan<byte> bytes)
    {
        var r = new RecordReader(bytes, Version);
        var flag = r.U8() != 0;
        ulong firstId = r.U64();
        var first = r.Bytes();
        ulong secondId = r.U64();
        var second = r.Bytes();
        var status = r.End("request", firstId);
        if (!status.IsOk) return status;
        var firstInode = Read(firstId, first);
        if (!firstInode.IsOk) return firstInode.Status;
        var secondInode = Read(secondId, second);
        if (!secondInode.IsOk) return secondInode.Status;
        return new Outcome(firstInode.Value, secondInode.Value, flag);
    }

    private static void Write(ref RecordWriter w, InodeAttr? inode)
    {
        w.U64(inode?.Id.Value ?? 0);
        w.Bytes(inode is null ? [] : InodeRecord.Encode(inode));
    }

    private static Result<InodeAttr?> Read(ulong id, byte[] bytes)
    {
        if (bytes.Length == 0) return (InodeAttr?)null;
        var inode = InodeRecord.Decode(new InodeId(id), bytes);
        return inode.TryGet(out var attr) ? attr : inode.Status;
    }
}
