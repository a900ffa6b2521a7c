namespace ThreeFs.Fuse.Protocol;

/// <summary>
/// Features offered by the kernel and taken by the daemon in INIT; bits 32 and up travel in the second flags word.
/// </summary>
[Flags]
internal enum FuseInitFlags : ulong
{
    None = 0,
    AsyncRead = 1UL << 0,
    PosixLocks = 1UL << 1,
    AtomicOTrunc = 1UL << 3,
    ExportSupport = 1UL << 4,
    BigWrites = 1UL << 5,
    FlockLocks = 1UL << 10,
    HasIoctlDir = 1UL << 11,
    AutoInvalData = 1UL << 12,
    DoReadDirPlus = 1UL << 13,
    ReadDirPlusAuto = 1UL << 14,
    AsyncDio = 1UL << 15,
    ParallelDirOps = 1UL << 18,
    MaxPages = 1UL << 22,
    CacheSymlinks = 1UL << 23,
    HandleKillPrivV2 = 1UL << 28,
    SetXattrExt = 1UL << 29,
    InitExt = 1UL << 30,

    /// <summary>Newer than the header of Debian 12: files opened with direct I/O may still be mapped.</summary>
    DirectIoAllowMmap = 1UL << 36,
}

/// <summary>How the kernel is to treat an open file: FOPEN_*.</summary>
[Flags]
internal enum FuseOpenReplyFlags : uint
{
    None = 0,
    DirectIo = 1 << 0,
    KeepCache = 1 << 1,
    CacheDir = 1 << 3,
    ParallelDirectWrites = 1 << 6,
}

/// <summary>Which fields of a SETATTR count: FATTR_*.</summary>
[Flags]
internal enum FuseSetAttrValid : uint
{
    None = 0,
    Mode = 1 << 0,
    Uid = 1 << 1,
    Gid = 1 << 2,
    Size = 1 << 3,
    AccessTime = 1 << 4,
    ModifyTime = 1 << 5,
    Handle = 1 << 6,
    AccessTimeNow = 1 << 7,
    ModifyTimeNow = 1 << 8,
    LockOwner = 1 << 9,
    ChangeTime = 1 << 10,
    KillSuidGid = 1 << 11,
}

[Flags]
internal enum FuseWriteFlags : uint
{
    None = 0,

    /// <summary>From the page cache; the handle is a guess of the kernel.</summary>
    Cache = 1 << 0,
    LockOwner = 1 << 1,
    KillSuidGid = 1 << 2,
}

/// <summary>Modes of fallocate(2): FALLOC_FL_*.</summary>
[Flags]
internal enum FallocateMode : uint
{
    None = 0,
    KeepSize = 0x1,
    PunchHole = 0x2,
    ZeroRange = 0x10,

    Clearing = PunchHole | ZeroRange,
    Known = KeepSize | Clearing,
}

internal static class FuseConstants
{
    public const uint Major = 7;

    /// <summary>The newest minor whose structures this code knows.</summary>
    public const uint Minor = 38;

    public const ulong RootNode = 1;

    /// <summary>FUSE_NOTIFY_INVAL_INODE: stands where a reply has its error.</summary>
    public const int NotifyInvalInode = 2;

    /// <summary>FUSE_NOTIFY_INVAL_ENTRY.</summary>
    public const int NotifyInvalEntry = 3;

    /// <summary>FUSE_IOCTL_DIR: an ioctl's handle is one of a directory.</summary>
    public const uint IoctlOfDirectory = 1 << 4;

    public const uint GetAttrHandle = 1;
    public const uint OpenKillSuidGid = 1;
    public const uint FsyncDataOnly = 1;

    /// <summary>_IOR(229, 0, uint32_t): makes a descriptor of /dev/fuse another channel of a connection.</summary>
    public const uint DeviceClone = 0x8004E500;
}
