using System.Runtime.CompilerServices;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Base.Tasks;
using ThreeFs.Contracts.Storage;
using ThreeFs.Io.SharedMemory;
using ThreeFs.Storage.Targets;
using ThreeFs.Storage.Threading;
using ThreeFs.Transport;

namespace ThreeFs.Storage.Server.Requests;

/// <summary>
/// Tells clients of this host where chunks lie, for as long as they do (<see cref="ChunkPlace"/>). Nothing is held for who was told: chunks that
/// change say so in shared memory.
/// </summary>
/// <param name="arena">Where the words of the targets lie, and clients see them; null: nobody is told anything.</param>
internal sealed class PlaceRequests(ReplicaSet replicas, SharedArena? arena)
{
    private readonly BoundedPool<Scratch> _scratch = new(64);

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    public async ValueTask<Outcome> HandleAsync(ServerRequest request)
    {
        if (arena is null || !request.Connection.IsOfThisHost) return Outcome.Failed(StatusCode.NotSupported);
        var code = ChunkPlace.ReadPreamble(request.Header, out var count);
        if (code != StatusCode.Ok) return Outcome.Failed(code);
        var scratch = _scratch.TryTake() ?? new Scratch();
        var length = 0;
        for (var i = 0; i < count; i++)
        {
            var op = StorageCodec.ReadReadOp(request.Header[(StorageCodec.PreambleSize + i * StorageCodec.ReadOpSize)..]);
            var added = await AddAsync(scratch, length, op);
            if (added == 0) break;
            length += added;
        }

        scratch.Answer.AsSpan(0, length).CopyTo(request.ResponseHeader(length));
        _scratch.TryAdd(scratch);
        return new Outcome(new Reply { HeaderLength = length }, StatusCode.Ok);
    }

    /// <summary>Writes an entry of the answer and tells its length; 0: there is no room.</summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<int> AddAsync(Scratch scratch, int at, ReadOp op)
    {
        if (op.Offset % ChunkPlace.PartBytes != 0 || op.Length > ChunkPlace.PartBytes)
            return Add(scratch, at, new ChunkPlace { Code = StatusCode.InvalidArgument });
        if (replicas.Find(op.Chain.Id) is not { } replica) return Add(scratch, at, new ChunkPlace { Code = StatusCode.TargetNotFound });
        var homing = Homing.From(replica.Services.Executor);
        await replica.Services.Executor.Enter();
        var units = ((int)op.Length + ChunkPlace.UnitBytes - 1) / ChunkPlace.UnitBytes;
        var code = replica.TryGetPlace(op, scratch.Checksums.AsSpan(0, units), out var place, out var valid);
        await homing.ReturnAsync();
        if (valid > ContentLocation.HoldTime) valid = ContentLocation.HoldTime;
        var told = new ChunkPlace { Code = code, Valid = valid };
        if (code != StatusCode.Ok || op.Length == 0) return Add(scratch, at, told);
        if (!arena!.TryLocate(new IoMemory(place.Word, sizeof(ulong)), out var word)) return Add(scratch, at, new ChunkPlace { Code = StatusCode.Internal });
        return Add(scratch, at, new ChunkPlace
        {
            Code = code, Valid = valid, Word = word, Generation = place.Generation, Offset = place.Offset, ChunkLength = place.Length,
            Version = place.Version, Device = place.File.Device, Inode = place.File.Inode, Path = place.File.Path.Span,
            Checksums = scratch.Checksums.AsSpan(0, place.Units),
        });
    }

    private static int Add(Scratch scratch, int at, in ChunkPlace place)
    {
        if (place.Size > scratch.Answer.Length - at) return 0;
        place.Write(scratch.Answer.AsSpan(at));
        return place.Size;
    }

    private sealed class Scratch
    {
        public byte[] Answer { get; } = new byte[TransportLimits.MaxHeader];
        public uint[] Checksums { get; } = new uint[ChunkPlace.MaxUnits];
    }
}
