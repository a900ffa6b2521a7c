using ThreeFs.Base.Memory;

namespace ThreeFs.Fuse.Session;

/// <summary>How a mount is made and served.</summary>
internal sealed record FuseSessionOptions
{
    /// <summary>First column of /proc/mounts.</summary>
    public string Source { get; init; } = "threefs";

    /// <summary>
    /// Behind "fuse." in the type column of /proc/mounts. Not a name of ours to choose: 3FS's ring library, and the programs that carry a
    /// copy of it, look there for fuse.hf3fs and take no other mount for one of 3FS.
    /// </summary>
    public string Subtype { get; init; } = "hf3fs";

    /// <summary>Hears of the memory that data of requests is in.</summary>
    public IMemoryObserver? Memory { get; init; }

    public bool AllowOther { get; init; } = true;
    public bool ReadOnly { get; init; }

    /// <summary>The file system is asked about fcntl(2) and flock(2) locks; otherwise the kernel keeps them, for this mount.</summary>
    public bool Locks { get; init; }

    /// <summary>Threads that read requests, each with a descriptor of its own.</summary>
    public int Threads { get; init; } = 2;

    /// <summary>Largest request; the kernel gives at most 256 pages.</summary>
    public int MaxWrite { get; init; } = 1 << 20;

    /// <summary>Requests taken from the kernel and not answered; beyond that the kernel's own queue grows.</summary>
    public int MaxInFlight { get; init; } = 4096;

    /// <summary>
    /// No request waits longer, whatever it consists of: it is answered with EIO. Waits for locks have no end.
    /// </summary>
    public TimeSpan Deadline { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Requests kept for reuse with their memory.</summary>
    public int PooledRequests { get; init; } = 64;

    /// <summary>Read-ahead and asynchronous direct I/O that the kernel sends at one time.</summary>
    public ushort MaxBackground { get; init; } = 256;

    public uint MaxReadahead { get; init; } = 4 << 20;
}
