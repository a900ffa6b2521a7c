using System.Runtime.InteropServices;
using ThreeFs.Contracts.Meta;

namespace ThreeFs.Fuse.Cluster;

/// <summary>
/// struct fsxattr of linux/fs.h, the answer to FS_IOC_FSGETXATTR. The kernel asks for it before it changes flags with
/// FS_IOC_SETFLAGS, so without it chattr(1) fails.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly struct FileAttributes(InodeFlags ofInode)
{
    public const uint Command = 0x801C581F;

    private const uint Immutable = 0x8, AppendOnly = 0x10;

    public readonly uint Flags = (ofInode.HasFlag(InodeFlags.Immutable) ? Immutable : 0)
        | (ofInode.HasFlag(InodeFlags.AppendOnly) ? AppendOnly : 0);

    public readonly uint ExtentSize;
    public readonly uint Extents;
    public readonly uint Project;
    public readonly uint CopyExtentSize;
    public readonly uint Padding0;
    public readonly uint Padding1;
}
