using System.Collections.Immutable;
using ThreeFs.Base;

namespace ThreeFs.Contracts.Meta;

/// <summary>Type of an inode, with the numbers of dirent's d_type.</summary>
public enum InodeType : byte
{
    Fifo = 1,
    CharDevice = 2,
    Directory = 4,
    BlockDevice = 6,
    File = 8,
    Symlink = 10,
    Socket = 12,
}

/// <summary>Nanoseconds since 1970-01-01 UTC: what POSIX timestamps need.</summary>
public readonly record struct FileTime(long Nanoseconds) : IComparable<FileTime>
{
    private const long PerSecond = 1_000_000_000;

    public long Seconds => Math.DivRem(Nanoseconds, 1_000_000_000).Quotient - (Nanoseconds % 1_000_000_000 < 0 ? 1 : 0);
    public uint NanosecondPart => (uint)(Nanoseconds - Seconds * 1_000_000_000);
    public static FileTime From(DateTimeOffset time) => new((time - DateTimeOffset.UnixEpoch).Ticks * 100);

    /// <summary>Times before 1677 and after 2262 become the first and the last one that can be told.</summary>
    public static FileTime From(long seconds, uint nanoseconds) => seconds switch
    {
        > long.MaxValue / PerSecond - 1 => new(long.MaxValue),
        < long.MinValue / PerSecond + 1 => new(long.MinValue),
        _ => new(seconds * PerSecond + nanoseconds),
    };

    public int CompareTo(FileTime other) => Nanoseconds.CompareTo(other.Nanoseconds);
}

/// <summary>Everything about an inode but its content.</summary>
/// <param name="Mode">Permission bits 07777.</param>
/// <param name="LinkCount">POSIX-exact: directories count 2 and one for each subdirectory.</param>
/// <param name="Length">Files: bytes, as last synced. Symlinks: bytes of the target. Directories: 0.</param>
/// <param name="Device">Character and block devices: the device number.</param>
/// <param name="Layout">Files: where chunks live. Directories: what new files in it get.</param>
/// <param name="SymlinkTarget">Symlinks only; bytes.</param>
/// <param name="Parent">Directories only: where ".." leads.</param>
/// <param name="Flags">Inode flags of chattr: see <see cref="InodeFlags"/>.</param>
public sealed record InodeAttr(
    InodeId Id,
    InodeType Type,
    uint Mode,
    uint Uid,
    uint Gid,
    uint LinkCount,
    long Length,
    FileTime AccessTime,
    FileTime ModifyTime,
    FileTime ChangeTime,
    TruncateVersion TruncateVersion,
    ulong Device,
    Layout? Layout,
    ReadOnlyMemory<byte> SymlinkTarget,
    InodeId Parent,
    InodeFlags Flags)
{
    /// <summary>
    /// Files: rises whenever the content may have become another one (a report of writes, a truncation), and with nothing
    /// else. Equal versions mean equal bytes, as far as writes have been reported; times do not, because they can be set.
    /// </summary>
    public ulong DataVersion { get; init; }

    /// <summary>
    /// When <see cref="ModifyTime"/> was set by hand to a given time, by the server's clock; 0 while it is the time of a
    /// write or truncation. Known to the metadata service only.
    /// </summary>
    public FileTime ModifyTimeSetAt { get; init; }

    /// <summary>The st_mode value: type and permission bits.</summary>
    public uint StatMode => ((uint)Type << 12) | Mode;
}

[Flags]
public enum InodeFlags : uint
{
    None = 0,
    /// <summary>chattr +a: only appends.</summary>
    AppendOnly = 0x20,
    /// <summary>chattr +i: no change, no removal, no link.</summary>
    Immutable = 0x10,
}

/// <summary>Who asks. Root (uid 0) passes every permission check but immutability.</summary>
public sealed record UserInfo(uint Uid, uint Gid, ImmutableArray<uint> Groups)
{
    public static readonly UserInfo Root = new(0, 0, []);

    public bool IsRoot => Uid == 0;
    public bool InGroup(uint gid) => Gid == gid || Groups.Contains(gid);
}

/// <summary>What goes with every request: who, from which client process, and the identity that makes retries safe.</summary>
/// <param name="Request">Kept through all retries of one mutation.</param>
public sealed record MetaContext(UserInfo User, ClientId Client, RequestId Request);

[Flags]
public enum AccessMode : byte
{
    None = 0,
    Execute = 1,
    Write = 2,
    Read = 4,
}

/// <summary>One entry of a directory listing.</summary>
/// <param name="Cursor">Hand it in to continue behind this entry.</param>
/// <param name="Attr">Present when asked for; its inode's attributes at some moment of the listing.</param>
public sealed record DirEntry(FileName Name, InodeId Inode, InodeType Type, InodeAttr? Attr);

/// <param name="End">No entry follows.</param>
public sealed record DirPage(ImmutableArray<DirEntry> Entries, bool End);

[Flags]
public enum SetAttrMask : ushort
{
    None = 0,
    Mode = 1,
    Uid = 2,
    Gid = 4,
    AccessTime = 8,
    ModifyTime = 16,
    /// <summary>Access time becomes the server's now.</summary>
    AccessTimeNow = 32,
    /// <summary>Modify time becomes the server's now.</summary>
    ModifyTimeNow = 64,
    Layout = 128,
    Flags = 256,
    /// <summary>Truncate or extend: chunks first, then the record.</summary>
    Length = 512,
}

/// <summary>Attributes to change; only those in <see cref="Mask"/> count.</summary>
public sealed record AttrChange(SetAttrMask Mask)
{
    public uint Mode { get; init; }
    public uint Uid { get; init; }
    public uint Gid { get; init; }
    public FileTime AccessTime { get; init; }
    public FileTime ModifyTime { get; init; }
    public Layout? Layout { get; init; }
    public InodeFlags Flags { get; init; }
    public long Length { get; init; }
}

/// <summary>What a new inode is to be.</summary>
/// <param name="Mode">Permission bits 07777 with the umask already applied.</param>
/// <param name="Layout">Files: null takes the parent directory's.</param>
public sealed record NewInode(InodeType Type, uint Mode)
{
    public ulong Device { get; init; }
    public ReadOnlyMemory<byte> SymlinkTarget { get; init; }
    public Layout? Layout { get; init; }
}

[Flags]
public enum OpenFlags : uint
{
    None = 0,
    Read = 1,
    Write = 2,
    /// <summary>Cut to length 0 (O_TRUNC).</summary>
    Truncate = 4,
    /// <summary>With create: the entry must not exist (O_EXCL).</summary>
    Exclusive = 8,
    Append = 16,
    /// <summary>The inode must still have a name, whatever it is; otherwise <see cref="StatusCode.StaleHandle"/>.</summary>
    Named = 32,
}

/// <param name="Created">The call made the file.</param>
public sealed record OpenResult(InodeAttr Attr, bool Created);

[Flags]
public enum RenameFlags : uint
{
    None = 0,
    /// <summary>RENAME_NOREPLACE.</summary>
    NoReplace = 1,
    /// <summary>RENAME_EXCHANGE.</summary>
    Exchange = 2,
}

/// <summary>What a client knows of a file's end and times when it syncs or closes.</summary>
/// <param name="WrittenEnd">End of the furthest write since the last sync, or -1: nothing written.</param>
/// <param name="TruncateVersion">The truncate version the writes were made under; when it is not the current one, storage is asked.</param>
/// <param name="Exact">Ask storage for the length in any case.</param>
/// <param name="ModifyTime">
/// When the last write was made or failed, or null for the server's now if anything was written. A writer stamps a write later than
/// any change of the inode that it knows of, so that clocks only decide between clients.
/// </param>
public sealed record LengthHint(long WrittenEnd, TruncateVersion TruncateVersion, bool Exact, FileTime? ModifyTime, FileTime? AccessTime)
{
    public static readonly LengthHint Nothing = new(-1, default, false, null, null);
}

public sealed record FileSystemSpace(long CapacityBytes, long FreeBytes, long UsedBytes, long Inodes);
