using ThreeFs.Base;

namespace ThreeFs.Client.Files;

/// <summary>One inode that this client has open: its content, its handles, and what keeps it alive.</summary>
internal sealed class OpenInode(FileContent content, TimeProvider time)
{
    private long _learnedAt = time.GetTimestamp();

    public FileContent Content { get; } = content;

    /// <summary>Open handles, and removals of its names under way; guarded by the file system's lock.</summary>
    public int Handles { get; set; }

    /// <summary>
    /// Session that keeps the content of a removed file until the last handle closes; guarded by the file system's
    /// lock.
    /// </summary>
    public SessionId? KeepAlive { get; set; }

    /// <summary>Held while that session is being registered.</summary>
    public AsyncLock Keeping { get; } = new();

    /// <summary>Reports of one inode are made one after the other, so that none overtakes an earlier one's
    /// outcome.</summary>
    public AsyncLock Reporting { get; } = new();

    public TimeSpan Age => time.GetElapsedTime(Interlocked.Read(ref _learnedAt));

    public void Learned() => Interlocked.Exchange(ref _learnedAt, time.GetTimestamp());
}
