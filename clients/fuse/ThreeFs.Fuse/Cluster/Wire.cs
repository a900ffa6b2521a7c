using ThreeFs.Contracts.Meta;
using ThreeFs.Fuse.Native;
using ThreeFs.Fuse.Protocol;
using ThreeFs.Fuse.Tables;

namespace ThreeFs.Fuse.Cluster;

/// <summary>Translates between the contracts' types and the kernel's.</summary>
internal static class Wire
{
    private const uint MaxBlockSize = 1 << 20;
    private const uint DefaultBlockSize = 4096;
    private const int SectorSize = 512;

    public static FuseAttr Attr(InodeAttr attr)
    {
        var isFile = attr.Type == InodeType.File;
        return new FuseAttr
        {
            Ino = InodeTable.NodeOf(attr.Id),
            Size = (ulong)attr.Length,
            Blocks = isFile ? ((ulong)attr.Length + SectorSize - 1) / SectorSize : 0,
            AccessTime = (ulong)attr.AccessTime.Seconds,
            ModifyTime = (ulong)attr.ModifyTime.Seconds,
            ChangeTime = (ulong)attr.ChangeTime.Seconds,
            AccessTimeNsec = attr.AccessTime.NanosecondPart,
            ModifyTimeNsec = attr.ModifyTime.NanosecondPart,
            ChangeTimeNsec = attr.ChangeTime.NanosecondPart,
            Mode = attr.StatMode,
            LinkCount = attr.LinkCount,
            Uid = attr.Uid,
            Gid = attr.Gid,
            Device = (uint)attr.Device,

            // What programs take for a good buffer size.
            BlockSize = isFile && attr.Layout is { } layout
                ? Math.Min(layout.ChunkSize, MaxBlockSize)
                : DefaultBlockSize,
        };
    }

    public static FuseEntryOut Entry(InodeAttr attr, ClusterOptions options) => new()
    {
        Node = InodeTable.NodeOf(attr.Id),
        EntryValid = Seconds(options.EntryTimeout),
        EntryValidNsec = Nanoseconds(options.EntryTimeout),
        AttrValid = Seconds(options.AttrTimeout),
        AttrValidNsec = Nanoseconds(options.AttrTimeout),
        Attr = Attr(attr),
    };

    /// <summary>The name does not exist, and the kernel may believe that for a while.</summary>
    public static FuseEntryOut NoEntry(ClusterOptions options) => new()
    {
        EntryValid = Seconds(options.NegativeTimeout), EntryValidNsec = Nanoseconds(options.NegativeTimeout),
    };

    public static FuseAttrOut AttrOut(InodeAttr attr, ClusterOptions options) => new()
    {
        AttrValid = Seconds(options.AttrTimeout), AttrValidNsec = Nanoseconds(options.AttrTimeout), Attr = Attr(attr),
    };

    public static OpenFlags OpenFlags(uint flags)
    {
        var access = (int)flags & LibC.O_ACCMODE;
        var result = access switch
        {
            LibC.O_WRONLY => Contracts.Meta.OpenFlags.Write,
            LibC.O_RDWR => Contracts.Meta.OpenFlags.Read | Contracts.Meta.OpenFlags.Write,
            _ => Contracts.Meta.OpenFlags.Read,
        };
        if ((flags & LibC.O_TRUNC) != 0) result |= Contracts.Meta.OpenFlags.Truncate;
        if ((flags & LibC.O_EXCL) != 0) result |= Contracts.Meta.OpenFlags.Exclusive;
        if ((flags & LibC.O_APPEND) != 0) result |= Contracts.Meta.OpenFlags.Append;
        return result;
    }

    public static AttrChange Change(in FuseSetAttrIn a)
    {
        var mask = SetAttrMask.None;
        var valid = a.Valid;
        if (valid.HasFlag(FuseSetAttrValid.Mode)) mask |= SetAttrMask.Mode;
        if (valid.HasFlag(FuseSetAttrValid.Uid)) mask |= SetAttrMask.Uid;
        if (valid.HasFlag(FuseSetAttrValid.Gid)) mask |= SetAttrMask.Gid;
        if (valid.HasFlag(FuseSetAttrValid.Size)) mask |= SetAttrMask.Length;
        if (valid.HasFlag(FuseSetAttrValid.AccessTimeNow)) mask |= SetAttrMask.AccessTimeNow;
        else if (valid.HasFlag(FuseSetAttrValid.AccessTime)) mask |= SetAttrMask.AccessTime;
        if (valid.HasFlag(FuseSetAttrValid.ModifyTimeNow)) mask |= SetAttrMask.ModifyTimeNow;
        else if (valid.HasFlag(FuseSetAttrValid.ModifyTime)) mask |= SetAttrMask.ModifyTime;
        return new AttrChange(mask)
        {
            Mode = a.Mode & Permissions,
            Uid = a.Uid,
            Gid = a.Gid,
            Length = (long)a.Size,
            AccessTime = FileTime.From((long)a.AccessTime, a.AccessTimeNsec),
            ModifyTime = FileTime.From((long)a.ModifyTime, a.ModifyTimeNsec),
        };
    }

    public const uint Permissions = 0xFFF;

    private static ulong Seconds(TimeSpan time) => (ulong)(time.Ticks / TimeSpan.TicksPerSecond);

    private static uint Nanoseconds(TimeSpan time) => (uint)(time.Ticks % TimeSpan.TicksPerSecond * 100);
}
