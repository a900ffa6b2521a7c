namespace ThreeFs.Fuse.Virtual;

/// <summary>
/// Node numbers of what exists only in this mount. They are those that programs for 3FS know; inodes of the cluster never have the
/// highest bits set.
/// </summary>
internal static class VirtualNodes
{
    public const ulong Root = unchecked((ulong)-2);
    public const ulong RemoveTrees = unchecked((ulong)-3);
    public const ulong Iovs = 0xFFFFFFFF80000000;
    public const ulong FirstSemaphore = Iovs - 1;
    private const ulong LastSemaphore = Iovs - 3;
    private const ulong FirstBuffer = Iovs - 65535;
    private const ulong LastBuffer = 0xFFFFFFFF00000000;
    private const ulong FirstMoment = unchecked((ulong)-(100L << 30));
    private const ulong Lowest = 0xF000000000000000;

    /// <summary>Most buffers registered at one time.</summary>
    public const int MaxBuffers = 1 << 20;

    public static bool IsVirtual(ulong node) => node >= Lowest;

    public static ulong OfSemaphore(int priority) => FirstSemaphore - (ulong)priority;

    /// <summary>The priority whose semaphore it is, or -1.</summary>
    public static int SemaphoreOf(ulong node) => node is <= FirstSemaphore and >= LastSemaphore ? (int)(FirstSemaphore - node) : -1;

    /// <summary>
    /// Of the nth registration. Two billion follow each other before a number comes again: the kernel remembers for a while where the link
    /// with a number led.
    /// </summary>
    public static ulong OfBuffer(ulong count) => FirstBuffer - count % (FirstBuffer - LastBuffer);

    /// <summary>
    /// Of the nth link whose making was a command: the kernel wants a number for what it believes to be there now.
    /// </summary>
    public static ulong OfMoment(ulong count) => FirstMoment - count % (1UL << 40);
}
