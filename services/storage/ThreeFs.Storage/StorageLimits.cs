namespace ThreeFs.Storage;

/// <summary>What an acknowledged update has survived without an fsync.</summary>
public enum Durability
{
    /// <summary>The death of every process: it is in the machine's memory on every serving replica.</summary>
    Process,

    /// <summary>The loss of power too: every serving replica has flushed it. Callers that come together share flushes.</summary>
    Write,
}

/// <summary>Bounds and times of a storage node's logic.</summary>
public sealed record StorageLimits
{
    public Durability Durability { get; init; } = Durability.Process;

    /// <summary>
    /// Free share of a target's space below which it takes no new chunks from clients, so that existing ones can still be overwritten, synced and
    /// repaired.
    /// </summary>
    public double NewChunkReserve { get; init; } = 0.02;

    /// <summary>Updates and waiting readers in line for one chunk; further ones are <see cref="Base.StatusCode.Overloaded"/>.</summary>
    public int ChunkQueue { get; init; } = 128;

    /// <summary>Longest single attempt to forward.</summary>
    public TimeSpan ForwardAttempt { get; init; } = TimeSpan.FromSeconds(10);

    public TimeSpan FirstForwardPause { get; init; } = TimeSpan.FromMilliseconds(2);
    public TimeSpan MaxForwardPause { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>Longest wait for the tail's word on what is committed.</summary>
    public TimeSpan AskTail { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How often pending contents that nobody drives are looked for, and how long one round drives one of them.</summary>
    public TimeSpan ResolveInterval { get; init; } = TimeSpan.FromMilliseconds(500);
    public TimeSpan ResolveTime { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Pending contents resolved at the same time.</summary>
    public int ResolveConcurrency { get; init; } = 16;

    public TimeSpan MaintainInterval { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>Chunks sent to a syncing target at the same time, and chunk records asked for at a time.</summary>
    public int ResyncConcurrency { get; init; } = 8;

    /// <summary>The same while clients are at work.</summary>
    public int ResyncConcurrencyWhenBusy { get; init; } = 2;
    public int ResyncPage { get; init; } = 4096;
    public TimeSpan ResyncChunkTime { get; init; } = TimeSpan.FromSeconds(20);
    public TimeSpan ResyncPause { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>Longest a successor that has everything is waited for to serve, before it is compared with again.</summary>
    public TimeSpan ResyncDoneTime { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Pause before a target that gave itself up tries to come back.</summary>
    public TimeSpan RecoverAfter { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Removals of one request under way at the same time.</summary>
    public int RemoveConcurrency { get; init; } = 16;

    /// <summary>Most bytes that a target's scrubber reads in a second; 0: it reads nothing.</summary>
    public long ScrubBytesPerSecond { get; init; } = 8 << 20;

    /// <summary>From the beginning of one pass of the scrubber to that of the next, and from the opening to the first.</summary>
    public TimeSpan ScrubInterval { get; init; } = TimeSpan.FromDays(7);
    public TimeSpan FirstScrubAfter { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Longest a repair of a damaged chunk may ask other replicas for it, all of them together. The chunk is held meanwhile.</summary>
    public TimeSpan RepairTime { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Between two attempts to repair a chunk of which no other replica has a whole copy now.</summary>
    public TimeSpan RepairPause { get; init; } = TimeSpan.FromMinutes(1);
}
