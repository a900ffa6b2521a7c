using ThreeFs.Base;

namespace ThreeFs.Kv.Lmdb.Durability;

/// <summary>Whoever waits for the next steady point. Called on the flusher's thread and must not block.</summary>
internal interface IFlushWaiter
{
    void Flushed(Status status);
}
