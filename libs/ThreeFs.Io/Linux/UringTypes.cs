using System.Runtime.InteropServices;

namespace ThreeFs.Io.Linux;

/// <summary>A submission, as the kernel reads it (<c>struct io_uring_sqe</c>, 64 bytes).</summary>
[StructLayout(LayoutKind.Explicit, Size = 64)]
internal struct Sqe
{
    [FieldOffset(0)] public UringOp Opcode;
    [FieldOffset(1)] public byte Flags;
    [FieldOffset(2)] public ushort IoPriority;
    [FieldOffset(4)] public int Fd;
    [FieldOffset(8)] public ulong Offset;
    [FieldOffset(16)] public ulong Address;
    [FieldOffset(24)] public uint Length;
    [FieldOffset(28)] public uint OpFlags;
    [FieldOffset(32)] public ulong UserData;
    [FieldOffset(48)] public ulong Address3;
}

/// <summary>A completion, as the kernel writes it (<c>struct io_uring_cqe</c>, 16 bytes).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct Cqe
{
    public ulong UserData;
    public int Result;
    public uint Flags;
}

/// <summary><c>struct io_uring_params</c>, 120 bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct UringParams
{
    public uint SqEntries;
    public uint CqEntries;
    public uint Flags;
    public uint SqThreadCpu;
    public uint SqThreadIdle;
    public uint Features;
    public uint WorkQueueFd;
    public uint Reserved0;
    public uint Reserved1;
    public uint Reserved2;
    public SqOffsets Sq;
    public CqOffsets Cq;
}

[StructLayout(LayoutKind.Sequential)]
internal struct SqOffsets
{
    public uint Head;
    public uint Tail;
    public uint RingMask;
    public uint RingEntries;
    public uint Flags;
    public uint Dropped;
    public uint Array;
    public uint Reserved;
    public ulong UserAddress;
}

[StructLayout(LayoutKind.Sequential)]
internal struct CqOffsets
{
    public uint Head;
    public uint Tail;
    public uint RingMask;
    public uint RingEntries;
    public uint Overflow;
    public uint Cqes;
    public uint Flags;
    public uint Reserved;
    public ulong UserAddress;
}

/// <summary><c>struct io_uring_getevents_arg</c>: how long a wait may take.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct GetEventsArg
{
    public ulong SignalMask;
    public uint SignalMaskSize;
    public uint MinWaitMicroseconds;
    public KernelTimespec* Timeout;
}

[StructLayout(LayoutKind.Sequential)]
internal struct KernelTimespec
{
    public long Seconds;
    public long Nanoseconds;
}

internal enum UringOp : byte
{
    Nop = 0,
    Readv = 1,
    Writev = 2,
    Fsync = 3,
    PollAdd = 6,
    SendMsg = 9,
    RecvMsg = 10,
    Accept = 13,
    AsyncCancel = 14,
    Connect = 16,
    Fallocate = 17,
    Read = 22,
    Write = 23,
    Send = 26,
    Recv = 27,
    FutexWait = 51,
}

internal static class Uring
{
    public const uint SetupCqSize = 1u << 3;
    public const uint SetupClamp = 1u << 4;
    public const uint SetupCoopTaskRun = 1u << 8;
    public const uint SetupSingleIssuer = 1u << 12;
    public const uint SetupDeferTaskRun = 1u << 13;

    public const uint FeatureSingleMmap = 1u << 0;
    public const uint FeatureNoDrop = 1u << 1;
    public const uint FeatureExtArg = 1u << 8;

    public const uint EnterGetEvents = 1u << 0;
    public const uint EnterExtArg = 1u << 3;

    public const long OffsetSqRing = 0;
    public const long OffsetSqes = 0x10000000;

    public const uint FsyncDataSync = 1u << 0;
    public const uint CancelAll = 1u << 0;
    public const uint CancelAny = 1u << 2;

    /// <summary>The socket is known to be empty: wait for it before the first try.</summary>
    public const ushort RecvSendPollFirst = 1 << 0;

    /// <summary>In a completion: more bytes are waiting in the socket.</summary>
    public const uint CqeSocketNonEmpty = 1u << 2;
}
