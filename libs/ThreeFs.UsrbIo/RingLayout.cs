using System.Runtime.InteropServices;

namespace ThreeFs.UsrbIo;

/// <summary>
/// Where things lie in the shared memory of a ring. Programs that carry another maker's library share this memory with
/// the mount, so every number here is fixed for ever.
/// </summary>
/// <remarks>
/// With N = entries + 1 slots, one of which stays empty:
/// <code>
///      0  int32 submitHead    next submission the application writes
///      4  int32 submitTail    first submission that has not been completed
///      8  int32 completeHead  next completion the mount writes
///     12  int32 completeTail  first completion that has not been taken
///     16  RingOperation[N]
///  16+56N RingCompletion[N]
///  16+80N RingSubmission[N]
///  16+96N sem_t               posted by the mount after completions, initialised by it
///         at least 4096 bytes of slack
/// </code>
/// Positions count modulo N. Little-endian.
/// </remarks>
public readonly record struct RingLayout
{
    public const int SubmitHeadOffset = 0;
    public const int SubmitTailOffset = 4;
    public const int CompleteHeadOffset = 8;
    public const int CompleteTailOffset = 12;
    public const int HeaderSize = 16;
    public const int SemaphoreSize = 32;
    private const int Slack = 4096;
    private const int SlotSize = RingOperation.Size + RingCompletion.Size + RingSubmission.Size;

    /// <summary>Most entries of a ring: what keeps its size in 31 bits.</summary>
    public const int MaxEntries = (int.MaxValue - HeaderSize - SemaphoreSize - Slack) / SlotSize - 1;

    private RingLayout(int entries) => Entries = entries;

    /// <summary>Operations that can be under way at one time.</summary>
    public int Entries { get; }

    public int Slots => Entries + 1;

    public int CompletionsOffset => HeaderSize + RingOperation.Size * Slots;

    public int SubmissionsOffset => CompletionsOffset + RingCompletion.Size * Slots;

    public int SemaphoreOffset => SubmissionsOffset + RingSubmission.Size * Slots;

    /// <summary>Bytes of a ring with so many entries.</summary>
    public static long SizeOf(int entries) => HeaderSize + SemaphoreSize + (long)SlotSize * (entries + 1L) + Slack;

    /// <summary>What fits into so many bytes; 0 or less when not even one entry does.</summary>
    public static int EntriesIn(long bytes) =>
        (int)Math.Min((bytes - Slack - HeaderSize - SemaphoreSize) / SlotSize - 1, MaxEntries);

    /// <summary>The layout of memory of this size; false when it is too small for a ring.</summary>
    public static bool TryOf(long bytes, out RingLayout layout)
    {
        var entries = EntriesIn(bytes);
        layout = new RingLayout(Math.Max(entries, 0));
        return entries > 0;
    }
}

/// <summary>A buffer's UUID: its 16 bytes, in the order of its text, read as two numbers.</summary>
public readonly record struct BufferId(ulong First, ulong Second);

/// <summary>What an operation is to do: written by the application before it submits the slot's index.</summary>
[StructLayout(LayoutKind.Sequential, Size = Size)]
public struct RingOperation
{
    public const int Size = 56;

    public BufferId Buffer;

    public ulong BufferOffset;

    /// <summary>Inode number of the file, as stat(2) shows it on the mount.</summary>
    public ulong Inode;

    public ulong FileOffset;
    public ulong Length;
    public ulong UserData;
}

/// <summary>How an operation ended.</summary>
[StructLayout(LayoutKind.Sequential, Size = Size)]
public struct RingCompletion
{
    public const int Size = 24;

    /// <summary>Slot of the operation.</summary>
    public int Index;
    public int Reserved;

    /// <summary>Bytes moved, fewer at the end of the file, or a negative error number.</summary>
    public long Result;
    public ulong UserData;
}

/// <summary>An operation handed over.</summary>
[StructLayout(LayoutKind.Sequential, Size = Size)]
public struct RingSubmission
{
    public const int Size = 16;
    public int Index;
    public int Padding;
    public ulong UserData;
}
