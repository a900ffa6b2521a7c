using System.Runtime.CompilerServices;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Base.Tasks;
using ThreeFs.Client.Connections;
using ThreeFs.Client.Storage.Places;
using ThreeFs.Contracts.Storage;
using ThreeFs.Transport;

namespace ThreeFs.Client.Storage;

/// <summary>
/// Reads many pieces with few requests: pieces for the same replica go together, all requests at the same time, every
/// byte received where it belongs. Pieces whose place is known (<see cref="KnownPlaces"/>) are read from the device, and
/// those that <see cref="LocalReader"/> reads go out each alone, at the same time. This is one hopeful round; a piece
/// that fails in it is read alone by <see cref="StorageReader"/>, which knows how to retry. Allocates nothing in steady
/// state.
/// </summary>
internal sealed class ReadBatch(RouteTable routes, StorageReader reader, StorageClientOptions options,
    RetryPolicy retry, PlaceBook places)
{
    private readonly BoundedPool<Scratch> _scratch = new(256);
    private readonly BoundedPool<Group> _groups = new(1024);

    /// <summary>Fills the results of the first <paramref name="count"/> pieces.</summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    public async ValueTask<bool> ReadAsync(ReadPiece[] pieces, int count, ReadFlags flags, CancellationToken ct)
    {
        var scratch = _scratch.TryTake() ?? new Scratch();
        scratch.Reset(count);
        Plan(scratch, pieces, count);
        for (var g = 0; g < scratch.Groups.Count; g++)
            scratch.Sent.Add(SendAsync(scratch.Groups[g], pieces, flags, ct));
        foreach (var i in scratch.AloneIndex) scratch.Alone.Add(ReadAloneAsync(pieces[i], flags, ct));
        for (var g = 0; g < scratch.Sent.Count; g++)
        {
            await scratch.Sent[g];
            Recycle(scratch.Groups[g]);
        }

        var local = scratch.AloneIndex.Count;
        for (var i = 0; i < count; i++)
        {
            if (pieces[i].Result.Code is StatusCode.Ok or StatusCode.ChunkNotFound) continue;
            if (scratch.AloneIndex.IndexOf(i, 0, local) >= 0) continue;
            scratch.AloneIndex.Add(i);
            scratch.Alone.Add(ReadAloneAsync(pieces[i], flags, ct));
        }

        for (var i = 0; i < scratch.Alone.Count; i++) pieces[scratch.AloneIndex[i]].Result = await scratch.Alone[i];
        scratch.Clear();
        _scratch.TryAdd(scratch);
        return true;
    }

    private ValueTask<ReadResult> ReadAloneAsync(in ReadPiece piece, ReadFlags flags, CancellationToken ct) =>
        reader.ReadAsync(piece.Chain, piece.Chunk, piece.Offset, piece.Destination, flags, ct);

    /// <summary>
    /// Large pieces of a server on this host are read alone, straight from its device: nothing is saved by asking for them together.
    /// </summary>
    private static bool IsLocal(Peer peer, in ReadOp op, IoSlices destination) =>
        op.Length >= ContentLocation.MinLength && peer.TryGet() is { } connection
        && LocalReader.Fits(connection, op, destination);

    /// <summary>Chooses a replica for each piece and puts those of one peer together, within the limits of a
    /// request.</summary>
    private void Plan(Scratch scratch, ReadPiece[] pieces, int count)
    {
        for (var i = 0; i < count; i++)
        {
            pieces[i].Result = StorageWire.Failed(StatusCode.NoServingTarget);
            var route = routes.Find(pieces[i].Chain);
            var index = route is null ? -1 : route.Choose(0);
            if (index < 0 || route!.Serving[index].Peer is not { } peer) continue;
            var op = new ReadOp(
                route.Chain, pieces[i].Chunk, pieces[i].Offset, (uint)pieces[i].Destination.TotalLength);
            if (IsLocal(peer, op, pieces[i].Destination)) scratch.AloneIndex.Add(i);
            else FindGroup(scratch, peer, pieces[i]).Add(i, op, pieces[i].Destination);
        }
    }

    private Group FindGroup(Scratch scratch, Peer peer, in ReadPiece piece)
    {
        for (var g = scratch.Groups.Count - 1; g >= 0; g--)
        {
            var group = scratch.Groups[g];
            if (ReferenceEquals(group.Peer, peer) && group.HasRoom(piece.Destination, options)) return group;
        }

        var made = _groups.TryTake() ?? new Group();
        made.Peer = peer;
        scratch.Groups.Add(made);
        return made;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<bool> SendAsync(Group group, ReadPiece[] pieces, ReadFlags flags, CancellationToken ct)
    {
        var started = retry.Now;
        var connection = group.Peer!.TryGet();
        if (connection is null)
        {
            var opened = await group.Peer.GetAsync(ct);
            if (!opened.TryGet(out connection)) return false;
        }

        var known = places.Of(connection);
        if (known is not null && group.MayHavePlaces(known, pieces) && await new LocalEntry(known.Files))
            group.StartPlaced(known, pieces);
        if (group.RestCount > 0)
        {
            var timeout = retry.Attempt(options.ReadAttempt, group.Bytes, started);
            using var answer = await group.CallAsync(connection, pieces, flags, timeout, ct);
            var offset = 0L;
            for (var r = 0; r < group.RestCount; r++)
            {
                var op = group.Ops[group.Rest[r]];
                ref var piece = ref pieces[group.Index[group.Rest[r]]];
                piece.Result = StorageWire.ReadAnswer(answer, r, offset, op.Length, piece.Destination);
                offset += op.Length;
                if (piece.Result.Code == StatusCode.Ok && KnownPlaces.Fits(op, piece.Destination)) known?.WasRead(op);
            }
        }

        if (group.PlacedCount > 0) await FinishPlacedAsync(group, known!, pieces);
        known?.Ask();
        return true;
    }

    /// <summary>The device has answered everything before one look at the server tells what the answers are worth.</summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private static async ValueTask<bool> FinishPlacedAsync(Group group, KnownPlaces known, ReadPiece[] pieces)
    {
        for (var p = 0; p < group.PlacedCount; p++) group.Read[p] = await group.Reading[p];
        var isAlive = known.Files.IsServerAlive();
        for (var p = 0; p < group.PlacedCount; p++)
        {
            ref var piece = ref pieces[group.Index[group.Placed[p]]];
            piece.Result = known.Finish(
                group.Places[p]!, group.Ops[group.Placed[p]], piece.Destination, group.Read[p], isAlive);
        }

        return true;
    }

    private void Recycle(Group group)
    {
        group.Clear();
        _groups.TryAdd(group);
    }

    /// <summary>The pieces of one replica: some read from its device, the rest with one request.</summary>
    private sealed class Group
    {
        private const int MaxOps = 128;
        private readonly IoMemory[] _memory = new IoMemory[IoSlices.MaxCount];
        private int _memoryCount;

        public Peer? Peer { get; set; }
        public int Count { get; private set; }
        public long Bytes { get; private set; }
        public int[] Index { get; } = new int[MaxOps];
        public ReadOp[] Ops { get; } = new ReadOp[MaxOps];

        /// <summary>Which of them go with the request.</summary>
        public int[] Rest { get; } = new int[MaxOps];
        public int RestCount { get; private set; }

        /// <summary>Which of them are read from the device, with what belongs to each.</summary>
        public int[] Placed { get; } = new int[MaxOps];
        public Place?[] Places { get; } = new Place?[MaxOps];
        public ValueTask<Result<int>>[] Reading { get; } = new ValueTask<Result<int>>[MaxOps];
        public Result<int>[] Read { get; } = new Result<int>[MaxOps];
        public int PlacedCount { get; private set; }

        public bool HasRoom(IoSlices destination, StorageClientOptions options) =>
            Count < Math.Min(MaxOps, options.MaxBatchOps) && Bytes + destination.TotalLength <= options.MaxBatchBytes
            && _memoryCount + destination.Count <= _memory.Length;

        public void Add(int index, in ReadOp op, IoSlices destination)
        {
            Rest[RestCount++] = Count;
            Index[Count] = index;
            Ops[Count++] = op;
            Bytes += op.Length;
            _memoryCount += destination.Count;
        }

        public bool MayHavePlaces(KnownPlaces known, ReadPiece[] pieces)
        {
            for (var i = 0; i < Count; i++)
            {
                if (Fits(pieces, i) && known.MayHave(Ops[i])) return true;
            }

            return false;
        }

        /// <summary>Starts to read what has a place; the rest is left.</summary>
        public void StartPlaced(KnownPlaces known, ReadPiece[] pieces)
        {
            RestCount = 0;
            for (var i = 0; i < Count; i++)
            {
                if (!Fits(pieces, i) || known.Find(Ops[i]) is not { } place)
                {
                    Rest[RestCount++] = i;
                    continue;
                }

                (Placed[PlacedCount], Places[PlacedCount]) = (i, place);
                Reading[PlacedCount++] = known.StartAsync(place, Ops[i], pieces[Index[i]].Destination[0]);
            }
        }

        private bool Fits(ReadPiece[] pieces, int i) =>
            pieces[Index[i]].Destination is { Count: 1 } destination && KnownPlaces.Fits(Ops[i], destination);

        public ValueTask<CallResult> CallAsync(
            IConnection connection, ReadPiece[] pieces, ReadFlags flags, TimeSpan timeout, CancellationToken ct)
        {
            Span<byte> header = stackalloc byte[StorageCodec.ReadRequestSize(RestCount)];
            StorageCodec.WriteReadPreamble(header, flags, RestCount);
            var used = 0;
            for (var r = 0; r < RestCount; r++)
            {
                StorageCodec.Write(header[StorageCodec.ReadRequestSize(r)..], Ops[Rest[r]]);
                var destination = pieces[Index[Rest[r]]].Destination;
                for (var i = 0; i < destination.Count; i++) _memory[used++] = destination[i];
            }

            return connection.CallAsync(new Call
            {
                Method = (ushort)StorageMethod.Read,
                Header = header,
                ReceivePayload = new IoSlices(_memory, used),
                Timeout = timeout,
            }, ct);
        }

        public void Clear()
        {
            Array.Clear(Places, 0, PlacedCount);
            Peer = null;
            (Count, Bytes, RestCount, PlacedCount, _memoryCount) = (0, 0, 0, 0, 0);
        }
    }

    private sealed class Scratch
    {
        public List<Group> Groups { get; } = [];
        public List<ValueTask<bool>> Sent { get; } = [];
        public List<ValueTask<ReadResult>> Alone { get; } = [];
        public List<int> AloneIndex { get; } = [];

        public void Reset(int count)
        {
            Groups.EnsureCapacity(count);
            Sent.EnsureCapacity(count);
        }

        public void Clear()
        {
            Groups.Clear();
            Sent.Clear();
            Alone.Clear();
            AloneIndex.Clear();
        }
    }
}
