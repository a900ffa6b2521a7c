using ThreeFs.Base;
using ThreeFs.Contracts.Meta;

namespace ThreeFs.Meta.Records;

/// <summary>
/// The stored form of an inode. Held as <see cref="InodeAttr"/>, with two differences that stay inside this service:
/// <list type="bullet">
/// <item>A directory's link count and the time of its last entry change live in counters of their own
/// (<see cref="DirectoryCounters"/>), so that creating entries never writes the directory's record.</item>
/// <item>Two flags above chattr's say that the inode is on its way out: <see cref="Collecting"/> and <see cref="Detached"/>.</item>
/// </list>
/// </summary>
internal static class InodeRecord
{
    public const byte Version = 2;
    private const byte FirstWithDataVersion = 2;

    /// <summary>A file whose chunks are being removed: it can no longer be opened or kept open.</summary>
    public const InodeFlags Collecting = (InodeFlags)0x8000_0000;

    /// <summary>A directory cut off with everything below it; the collector works it off.</summary>
    public const InodeFlags Detached = (InodeFlags)0x4000_0000;

    public const InodeFlags Internal = Collecting | Detached;

    private const int MaxSize = 160;

    public static byte[] Encode(InodeAttr inode)
    {
        Span<byte> buffer = stackalloc byte[MaxSize + inode.SymlinkTarget.Length];
        var w = new RecordWriter(buffer, Version);
        w.U8((byte)inode.Type);
        w.U16((ushort)inode.Mode);
        w.U32(inode.Uid);
        w.U32(inode.Gid);
        w.U32(inode.LinkCount);
        w.I64(inode.Length);
        w.I64(inode.AccessTime.Nanoseconds);
        w.I64(inode.ModifyTime.Nanoseconds);
        w.I64(inode.ChangeTime.Nanoseconds);
        w.U32(inode.TruncateVersion.Value);
        w.U32((uint)inode.Flags);
        w.U64(inode.Device);
        w.U64(inode.Parent.Value);
        w.U8(inode.Layout is null ? (byte)0 : (byte)1);
        if (inode.Layout is { } layout) WriteLayout(ref w, layout);
        w.Bytes(inode.SymlinkTarget.Span);
        w.U64(inode.DataVersion);
        w.I64(inode.ModifyTimeSetAt.Nanoseconds);
        return w.Written.ToArray();
    }

    public static Result<InodeAttr> Decode(InodeId id, ReadOnlySpan<byte> bytes)
    {
        var r = new RecordReader(bytes, Version);
        var type = (InodeType)r.U8();
        var mode = (uint)r.U16();
        uint uid = r.U32(), gid = r.U32(), links = r.U32();
        var length = r.I64();
        long access = r.I64(), modify = r.I64(), change = r.I64();
        var truncate = r.U32();
        var flags = r.U32();
        ulong device = r.U64(), parent = r.U64();
        var layout = r.U8() != 0 ? ReadLayout(ref r) : null;
        var target = r.Bytes();
        var data = 0UL;
        var setAt = 0L;
        if (r.Version >= FirstWithDataVersion) (data, setAt) = (r.U64(), r.I64());
        var status = r.End("inode", id.Value);
        if (!status.IsOk) return status;
        return new InodeAttr(
            id, type, mode, uid, gid, links, length, new FileTime(access), new FileTime(modify), new FileTime(change),
            new TruncateVersion(truncate), device, layout, target.Length == 0 ? default : target, new InodeId(parent), (InodeFlags)flags)
        {
            DataVersion = data,
            ModifyTimeSetAt = new FileTime(setAt),
        };
    }

    /// <summary>What a caller outside may see of the flags.</summary>
    public static InodeAttr Public(InodeAttr inode) =>
        (inode.Flags & Internal) == 0 ? inode : inode with { Flags = inode.Flags & ~Internal };

    private static void WriteLayout(ref RecordWriter w, Layout layout)
    {
        w.U32(layout.Table.Value);
        w.U32(layout.TableVersion.Value);
        w.U32(layout.ChunkSize);
        w.U32(layout.StripeSize);
        w.U32(layout.BaseIndex);
        w.U64(layout.Seed);
    }

    private static Layout ReadLayout(ref RecordReader r) => new(
        new ChainTableId(r.U32()), new ChainTableVersion(r.U32()), r.U32(), r.U32(), r.U32(), r.U64());
}
