using ThreeFs.Base;
using ThreeFs.Storage.Targets;

namespace ThreeFs.Storage;

/// <summary>What the logic reports for metrics. Called on the target's thread; must neither block nor allocate.</summary>
public interface IStorageObserver
{
    /// <summary>One attempt to hand an update to the successor.</summary>
    void Forwarded(StatusCode code, TimeSpan time);

    /// <summary>A reader's question to the tail.</summary>
    void AskedTail(StatusCode code);

    /// <summary>A chunk of a syncing successor was sent (with its bytes), or removed there (with 0).</summary>
    void Resynced(TargetId target, bool removed, long bytes);

    /// <summary>A damaged chunk was replaced from another replica, or could not be.</summary>
    void Repaired(bool succeeded);

    /// <summary>The scrubber read that many bytes.</summary>
    void Scrubbed(long bytes);

    /// <summary>The disk answered a read with an error.</summary>
    void ReadFailed(Replica replica);

    /// <summary>The target's place or what it says of itself changed: mgmtd should hear soon.</summary>
    void StandingChanged(Replica replica);
}
