using System.Buffers.Binary;
using System.Runtime.InteropServices;
using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Contracts.Storage;
using ThreeFs.Kv;
using ThreeFs.Sim.World;
using ThreeFs.Storage.ChunkEngine;
using ThreeFs.Storage.ChunkEngine.Device;
using ThreeFs.Storage.ChunkEngine.Index;
using ThreeFs.Storage.Peers;
using ThreeFs.Storage.Targets;
using ThreeFs.Transport;

namespace ThreeFs.Sim.Faults;

/// <summary>Systems that break one promise each. A checker that lets one pass is worth nothing.</summary>
internal static class Variants
{
    public static readonly Variant[] Broken =
    [
        new IgnoresFencing(), new SkipsChainVersion(), new ReadsUncommitted(), new FlushesNothing(), new ForgetsPending(),
        new ForgetsChunks(), new CollectsOpenFiles(), new ForgetsRequests(), new FlushesNoMetadata(), new CutsNothing(),
        new CommitsEarly(), new ForgetsChannels(), new SkipsReadChecks(), new ReusesBlocks(),
    ];

    public static Variant Find(string name) =>
        Broken.Prepend(Variant.None).FirstOrDefault(v => v.Name == name)
        ?? throw new SimFailure($"there is no variant \"{name}\"; there are: {string.Join(", ", Broken.Select(v => v.Name))}");

    /// <summary>A node that mgmtd does not hear from goes on serving.</summary>
    private sealed class IgnoresFencing : Variant, ILease
    {
        public override string Name => "ignore-fencing";

        public override FaultKind[] Faults => [FaultKind.CutOneWay, FaultKind.Partition];

        public bool IsHeld => true;

        public RoutingVersion Routing => default;

        public override ILease Wrap(ILease lease) => this;
    }

    /// <summary>A replica takes requests that were planned with any membership.</summary>
    private sealed class SkipsChainVersion : Variant
    {
        public override string Name => "skip-chain-version";

        public override IServerHandler Wrap(IServerHandler handler, ReplicaSet replicas) => new Patched(handler, (request, header) =>
        {
            if ((StorageMethod)request.Method is not (StorageMethod.Read or StorageMethod.Write or StorageMethod.Update)) return;
            var chain = header[StorageCodec.PreambleSize..];
            if (replicas.Find(new ChainId(BinaryPrimitives.ReadUInt32LittleEndian(chain))) is { } replica)
                BinaryPrimitives.WriteUInt32LittleEndian(chain[4..], replica.Place.Chain.Version.Value);
        });
    }

    /// <summary>Reads get whatever the replica has newest.</summary>
    private sealed class ReadsUncommitted : Variant
    {
        public override string Name => "read-uncommitted";

        public override IServerHandler Wrap(IServerHandler handler, ReplicaSet replicas) => new Patched(handler, (request, header) =>
        {
            if ((StorageMethod)request.Method == StorageMethod.Read) header[1] = (byte)ReadFlags.AllowUncommitted;
        });
    }

    /// <summary>The index is never made durable.</summary>
    private sealed class FlushesNothing : Variant
    {
        public override string Name => "flush-nothing";

        public override IChunkIndex Wrap(IChunkIndex index) => new Unsynced(index);

        private sealed class Unsynced(IChunkIndex inner) : IChunkIndex
        {
            public StatusCode Write(IndexBatch batch) => inner.Write(batch);

            public ValueTask<StatusCode> SyncAsync() => new(StatusCode.Ok);

            public Status Scan(ReadOnlySpan<byte> prefix, IndexVisitor visit) => inner.Scan(prefix, visit);

            public ValueTask DisposeAsync() => inner.DisposeAsync();
        }
    }

    /// <summary>What was pending when the process died is dropped when it starts.</summary>
    private sealed class ForgetsPending : Variant
    {
        public override string Name => "forget-pending";

        public override FaultKind[] Faults => [FaultKind.Kill];

        public override async Task OpenedAsync(ChunkStore store)
        {
            var pending = new ChunkState[1024];
            var count = store.ListPending(pending);
            for (var i = 0; i < count; i++) await store.DiscardPendingAsync(pending[i].Chunk);
        }
    }

    /// <summary>Chunks of removed files stay.</summary>
    private sealed class ForgetsChunks : Variant
    {
        public override string Name => "forget-chunks";

        public override IFileChunks Wrap(IFileChunks chunks) => new PatchedChunks(chunks) { Remove = _ => new(Status.Ok) };
    }

    /// <summary>A truncation changes the length and leaves the bytes.</summary>
    private sealed class CutsNothing : Variant
    {
        public override string Name => "cut-nothing";

        public override IFileChunks Wrap(IFileChunks chunks) => new PatchedChunks(chunks) { Truncate = () => new(Status.Ok) };
    }

    /// <summary>What loses its last name is collected, whoever has it open.</summary>
    private sealed class CollectsOpenFiles : Variant
    {
        public override string Name => "collect-open-files";

        public override IKvEngine Wrap(IKvEngine store) => new HidingStore(store, KeyPrefixes.Session);
    }

    /// <summary>A repeated request is executed again.</summary>
    private sealed class ForgetsRequests : Variant
    {
        public override string Name => "forget-requests";

        public override IKvEngine Wrap(IKvEngine store) => new HidingStore(store, KeyPrefixes.Idempotency);
    }

    /// <summary>fsync answers before the metadata is on stable storage.</summary>
    private sealed class FlushesNoMetadata : Variant
    {
        public override string Name => "flush-no-metadata";

        public override IKvEngine Wrap(IKvEngine store) => new HidingStore(store, null);
    }

    /// <summary>A replica commits when it has sent an update on, whatever becomes of that.</summary>
    private sealed class CommitsEarly : Variant
    {
        public override string Name => "commit-early";

        public override IReplicaPeers Wrap(IReplicaPeers peers, ReplicaSet replicas) => new EarlyPeers(peers, replicas);
    }

    /// <summary>Repeated updates are not known by their channel.</summary>
    private sealed class ForgetsChannels : Variant
    {
        public override string Name => "forget-channels";

        public override FaultKind[] Faults => [FaultKind.Reset, FaultKind.SlowLink];

        public override IServerHandler Wrap(IServerHandler handler, ReplicaSet replicas) => new Patched(handler, (request, _) =>
        {
            if ((StorageMethod)request.Method != StorageMethod.Write) return;
            foreach (var replica in replicas.All) replica.Store.ClearChannels();
        });
    }

    /// <summary>What the disk gives is handed out as it is.</summary>
    private sealed class SkipsReadChecks : Variant
    {
        public override string Name => "skip-read-checks";

        public override FaultKind[] Faults => [FaultKind.BitRot];

        public override bool SkipsChecksums => true;
    }

    /// <summary>The allocator hands out space that is in use.</summary>
    private sealed class ReusesBlocks : Variant
    {
        public override string Name => "reuse-blocks";

        public override IBlockDevice Wrap(IBlockDevice device) => new OverlappingDevice(device);
    }

    private delegate void Patch(ServerRequest request, Span<byte> header);

    /// <summary>Changes the headers of requests on their way in.</summary>
    private sealed class Patched(IServerHandler inner, Patch patch) : IServerHandler
    {
        public Status Accept(ServerRequest request)
        {
            Apply(request);
            return inner.Accept(request);
        }

        public ValueTask<Reply> HandleAsync(ServerRequest request)
        {
            Apply(request);
            return inner.HandleAsync(request);
        }

        public void ConnectionOpened(ServerConnection connection) => inner.ConnectionOpened(connection);

        public void ConnectionClosed(ServerConnection connection, Status reason) => inner.ConnectionClosed(connection, reason);

        private void Apply(ServerRequest request)
        {
            if (MemoryMarshal.TryGetArray(request.HeaderMemory, out var bytes)) patch(request, bytes);
        }
    }
}
