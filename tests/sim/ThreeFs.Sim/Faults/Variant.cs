using ThreeFs.Contracts.Meta;
using ThreeFs.Kv;
using ThreeFs.Storage.ChunkEngine;
using ThreeFs.Storage.ChunkEngine.Device;
using ThreeFs.Storage.ChunkEngine.Index;
using ThreeFs.Storage.Peers;
using ThreeFs.Storage.Targets;
using ThreeFs.Transport;

namespace ThreeFs.Sim.Faults;

/// <summary>
/// The system under test, as it is. Broken variants put a defect between its parts, to prove that the checkers would find one.
/// </summary>
internal class Variant
{
    public static readonly Variant None = new();

    public virtual string Name => "none";

    /// <summary>What brings the defect to light; null: everything goes wrong.</summary>
    public virtual FaultKind[]? Faults => null;

    /// <summary>Reads are not verified.</summary>
    public virtual bool SkipsChecksums => false;

    public virtual IReplicaPeers Wrap(IReplicaPeers peers, ReplicaSet replicas) => peers;

    public virtual ILease Wrap(ILease lease) => lease;

    public virtual IServerHandler Wrap(IServerHandler handler, ReplicaSet replicas) => handler;

    public virtual IChunkIndex Wrap(IChunkIndex index) => index;

    public virtual IBlockDevice Wrap(IBlockDevice device) => device;

    public virtual IKvEngine Wrap(IKvEngine store) => store;

    public virtual IFileChunks Wrap(IFileChunks chunks) => chunks;

    public virtual IMetaService Wrap(IMetaService service, IFileChunks chunks) => service;

    public virtual Task OpenedAsync(ChunkStore store) => Task.CompletedTask;
}
