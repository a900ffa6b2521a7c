using System.Runtime.InteropServices;

namespace ThreeFs.Native.Abi;

/// <summary>struct hf3fs_iov of include/hf3fs_usrbio.h.</summary>
[StructLayout(LayoutKind.Explicit, Size = 312)]
internal unsafe struct Iov
{
    public const int MountPointSize = 256;

    [FieldOffset(0)] public byte* Base;
    [FieldOffset(8)] public void* Handle;
    [FieldOffset(16)] public UsrbIo.BufferId Id;
    [FieldOffset(32)] public fixed byte MountPoint[MountPointSize];
    [FieldOffset(288)] public nuint Size;
    [FieldOffset(296)] public nuint BlockSize;
    [FieldOffset(304)] public int Numa;
}

/// <summary>struct hf3fs_ior.</summary>
[StructLayout(LayoutKind.Explicit, Size = 600)]
internal unsafe struct Ior
{
    [FieldOffset(0)] public Iov Iov;
    [FieldOffset(312)] public void* Handle;
    [FieldOffset(320)] public fixed byte MountPoint[Iov.MountPointSize];
    [FieldOffset(576)] public byte ForRead;
    [FieldOffset(580)] public int Depth;
    [FieldOffset(584)] public int Priority;
    [FieldOffset(588)] public int Timeout;
    [FieldOffset(592)] public ulong Flags;
}

/// <summary>struct hf3fs_cqe.</summary>
[StructLayout(LayoutKind.Sequential, Size = 24)]
internal unsafe struct Cqe
{
    public int Index;
    public int Reserved;
    public long Result;
    public void* UserData;
}
