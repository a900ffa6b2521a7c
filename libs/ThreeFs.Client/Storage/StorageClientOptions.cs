namespace ThreeFs.Client.Storage;

/// <summary>
/// How long and how hard the storage client tries. The defaults outlast the death of a server, its removal from its
/// chains and its return: an application sees waiting, not an error.
/// </summary>
public sealed record StorageClientOptions
{
    /// <summary>An operation gives up after this with its last failure.</summary>
    public TimeSpan Deadline { get; init; } = TimeSpan.FromSeconds(90);

    /// <summary>One attempt to read at one replica, without what the bytes need.</summary>
    public TimeSpan ReadAttempt { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>One attempt to update, flush or remove, without what the bytes need. The replica may be waiting for its
    /// successor.</summary>
    public TimeSpan UpdateAttempt { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Slowest transfer that still counts as alive; lengthens attempts with their payload.</summary>
    public long MinBytesPerSecond { get; init; } = 8L << 20;

    public TimeSpan FirstBackoff { get; init; } = TimeSpan.FromMilliseconds(2);
    public TimeSpan MaxBackoff { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>How often an operation meets a damaged chunk or a failing disk before it gives up: a target may still
    /// be taken out of service.</summary>
    public int MaxFaults { get; init; } = 12;

    /// <summary>Updates in flight in this process, 1…65535; further ones wait.</summary>
    public int Channels { get; init; } = 1024;

    /// <summary>Updates waiting for a channel; further ones are <see cref="Base.StatusCode.Overloaded"/>.</summary>
    public int MaxWaitingUpdates { get; init; } = 65536;

    /// <summary>Most pieces in one read request.</summary>
    public int MaxBatchOps { get; init; } = 64;

    /// <summary>Most bytes in one read request of several pieces.</summary>
    public int MaxBatchBytes { get; init; } = 4 << 20;

    /// <summary>Chunks removed by one request.</summary>
    public uint RemoveBatch { get; init; } = 256;

    /// <summary>Read from a replica on this host (the node's host name) when there is one; empty: no
    /// preference.</summary>
    public string PreferHost { get; init; } = "";

    /// <summary>Read from a replica with this "TrafficZone" tag when there is one; empty: no preference.</summary>
    public string PreferZone { get; init; } = "";
}
