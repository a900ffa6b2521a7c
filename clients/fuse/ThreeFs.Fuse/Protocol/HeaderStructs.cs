using System.Runtime.InteropServices;

namespace ThreeFs.Fuse.Protocol;

/// <summary>Begins every request (fuse_in_header).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct FuseInHeader
{
    public uint Length;
    public FuseOpcode Opcode;
    public ulong Unique;
    public ulong Node;
    public uint Uid;
    public uint Gid;

    /// <summary>The calling thread; 0 when it is not visible in the daemon's namespace.</summary>
    public uint Pid;

    /// <summary>Extensions behind the arguments, in units of 8 bytes.</summary>
    public ushort ExtensionLength;
    public ushort Padding;
}

/// <summary>Begins every reply (fuse_out_header); <see cref="Error"/> is a negative errno.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct FuseOutHeader
{
    public uint Length;
    public int Error;
    public ulong Unique;
}

[StructLayout(LayoutKind.Sequential)]
internal struct FuseInitIn
{
    public uint Major;
    public uint Minor;
    public uint MaxReadahead;
    public uint Flags;
    public uint Flags2;
    public Words11 Unused;

    /// <summary>Both flag words; the second counts only when the kernel says that it is there.</summary>
    public readonly FuseInitFlags AllFlags =>
        (FuseInitFlags)Flags
            | (((FuseInitFlags)Flags).HasFlag(FuseInitFlags.InitExt) ? (FuseInitFlags)((ulong)Flags2 << 32) : 0);
}

[StructLayout(LayoutKind.Sequential)]
internal struct FuseInitOut
{
    public uint Major;
    public uint Minor;
    public uint MaxReadahead;
    public uint Flags;
    public ushort MaxBackground;
    public ushort CongestionThreshold;
    public uint MaxWrite;
    public uint TimeGranularity;
    public ushort MaxPages;
    public ushort MapAlignment;
    public uint Flags2;
    public Words7 Unused;
}

[StructLayout(LayoutKind.Sequential)]
internal struct FuseInterruptIn
{
    public ulong Unique;
}

/// <summary>
/// Tells the kernel that an inode changed (fuse_notify_inval_inode_out). A negative offset means attributes only and
/// takes no lock in the kernel, so it may be sent while any request waits.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal struct FuseNotifyInvalInodeOut
{
    public ulong Node;
    public long Offset;
    public long Length;
}

/// <summary>
/// Tells the kernel that a name leads elsewhere (fuse_notify_inval_entry_out); the name with a NUL follows. The kernel
/// takes the directory's lock for it.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal struct FuseNotifyInvalEntryOut
{
    public ulong Parent;
    public uint NameLength;
    public uint Flags;
}

[System.Runtime.CompilerServices.InlineArray(11)]
internal struct Words11
{
    private uint _first;
}

[System.Runtime.CompilerServices.InlineArray(7)]
internal struct Words7
{
    private uint _first;
}

[System.Runtime.CompilerServices.InlineArray(6)]
internal struct Words6
{
    private uint _first;
}
