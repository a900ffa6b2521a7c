using ThreeFs.Base;

namespace ThreeFs.Meta;

/// <summary>Told what the service does, for metrics. Called on the path of every operation: must be cheap, thread-safe and not throw.</summary>
public interface IMetaObserver
{
    void OperationDone(string operation, StatusCode code, TimeSpan elapsed);

    /// <summary>A mutation was asked for again after it had been made, and answered with what it did.</summary>
    void MutationRepeated()
    {
    }

    /// <summary>A collector's round: files whose chunks were removed, failures, entries that are due and waiting.</summary>
    void GarbageCollected(int removed, int failed, int waiting)
    {
    }

    /// <summary>A round of the session scan: sessions alive, sessions ended because their client is gone.</summary>
    void SessionsScanned(int alive, int pruned)
    {
    }
}
