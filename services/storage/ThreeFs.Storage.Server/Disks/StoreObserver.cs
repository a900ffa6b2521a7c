using Microsoft.Extensions.Logging;
using ThreeFs.Base;
using ThreeFs.Storage.ChunkEngine;
using ThreeFs.Storage.Targets;

namespace ThreeFs.Storage.Server.Disks;

/// <summary>Hands what an engine notices to the replica above it, which is made after the engine.</summary>
internal sealed class StoreObserver(ILogger log) : IChunkStoreObserver
{
    public Replica? Replica { get; set; }

    public void CorruptionDetected(ChunkId chunk, uint offset, uint length) => Replica?.ReportDamage(chunk);

    public void Unreadable(ChunkId chunk) => Replica?.ReportUnreadable(chunk);

    public void Faulted(Status reason) => Log.EngineFaulted(log, Replica?.Target ?? default, reason);
}
