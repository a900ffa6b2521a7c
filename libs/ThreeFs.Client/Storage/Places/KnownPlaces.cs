using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Base.Tasks;
using ThreeFs.Client.Files;
using ThreeFs.Contracts.Storage;
using ThreeFs.Transport;

namespace ThreeFs.Client.Storage.Places;

/// <summary>
/// What is known of where chunks of one server of this host lie: reads of those go to the device without a message to anybody. The server is
/// asked for the place of a part that was read twice, and twice a second whether its chains may still be read.
/// </summary>
/// <remarks>
/// A read from a place is used when all of this holds after the device has answered, and is then what the server would have answered at that
/// moment: the chain may be read (counted from before it was asked for), the place's word is what was told, the server's process lives, and the
/// bytes have the checksums that were told. Otherwise the read is made in the ordinary way. All on the connection's reactor, except
/// <see cref="MayHave"/>.
/// </remarks>
internal sealed class KnownPlaces
{
    /// <summary>Parts that are known at most; 1 KiB of checksums each. The one that was told first is forgotten for another.</summary>
    private const int Most = 8192;

    private static readonly TimeSpan _renewAfter = ContentLocation.HoldTime / 2;

    /// <summary>After a place that could not be told: parts that are written to are asked for again and again.</summary>
    private static readonly TimeSpan _quiet = TimeSpan.FromMilliseconds(100);

    private readonly IConnection _connection;
    private readonly ILocalFiles _files;
    private readonly RetryPolicy _retry;
    private readonly StorageClientCounters _counters;
    private readonly ConcurrentDictionary<PartId, Place> _places = new();
    private readonly Queue<PartId> _order = new();
    private readonly Dictionary<ChainId, ChainLease> _leases = [];
    private readonly Dictionary<(ulong Device, ulong Inode), byte[]> _paths = [];
    private readonly PartId[] _readOnce = new PartId[1024];
    private readonly uint[] _checksums = new uint[ChunkPlace.MaxUnits];
    private readonly List<ReadOp> _toAsk = [];
    private readonly List<ReadOp> _sent = [];
    private readonly Action _answered;
    private ValueTaskAwaiter<CallResult> _call;
    private long _asked;
    private long? _quietSince;
    private bool _isAsking;
    private bool _isRefused;

    public KnownPlaces(IConnection connection, ILocalFiles files, RetryPolicy retry, StorageClientCounters counters)
    {
        (_connection, _files, _retry, _counters) = (connection, files, retry, counters);
        _answered = Answered;
    }

    public ILocalFiles Files => _files;

    /// <summary>Reads that can go to the device at all: whole pages, in one part.</summary>
    public static bool Fits(in ReadOp op, in IoSlices destination)
    {
        if (op.Length == 0 || ((op.Offset | op.Length) & (ChunkPlace.UnitBytes - 1)) != 0) return false;
        if (op.Offset / ChunkPlace.PartBytes != (op.Offset + op.Length - 1) / ChunkPlace.PartBytes) return false;
        for (var i = 0; i < destination.Count; i++)
        {
            if (((destination[i].Address | destination[i].Length) & (ChunkPlace.UnitBytes - 1)) != 0) return false;
        }

        return true;
    }

    /// <summary>The part's place was told and not seen to be over. Any thread.</summary>
    public bool MayHave(in ReadOp op) => _places.ContainsKey(PartId.Of(op));

    /// <summary>The place for a read that fits; null: it has to be made in the ordinary way.</summary>
    public Place? Find(in ReadOp op)
    {
        if (!_places.TryGetValue(PartId.Of(op), out var place)) return null;
        if (place.Chain == op.Chain && _files.WordAt(place.Word) == place.Generation)
            return MayRead(op.Chain) && op.Offset < place.ChunkLength ? place : null;
        Forget(place);
        return null;
    }

    /// <summary>Starts reading into a destination of one piece.</summary>
    public ValueTask<Result<int>> StartAsync(Place place, in ReadOp op, IoMemory destination) =>
        _files.ReadAsync(place.File, place.OffsetOf(op), new IoSlices(destination.Slice(0, place.WholeOf(op))));

    /// <summary>
    /// The answer to a read from a place, or a failure that says that the ordinary way is left. Between the device's answer and this the
    /// server was seen alive (<see cref="ILocalFiles.IsServerAlive"/>).
    /// </summary>
    public ReadResult Finish(Place place, in ReadOp op, IoSlices destination, in Result<int> read, bool isAlive)
    {
        var result = read.TryGet(out var bytes) && bytes >= place.LengthOf(op)
            ? place.Verify(op, destination)
            : StorageWire.Failed(StatusCode.IoError);
        if (result.Code == StatusCode.Ok && isAlive && IsHeld(op.Chain) && _files.WordAt(place.Word) == place.Generation)
        {
            _counters.CountLocal(result.Length);
            return result;
        }

        _counters.CountLocalFailure();
        Forget(place);
        return StorageWire.Failed(StatusCode.Busy);
    }

    /// <summary>A read that fits, from its place; null when it has to be made in the ordinary way.</summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    public async ValueTask<ReadResult?> ReadAsync(ReadOp op, IoSlices destination)
    {
        if (!await new LocalEntry(_files) || Find(op) is not { } place) return null;
        ReadResult result;
        using (var window = SliceWindow.Of(destination, 0, place.WholeOf(op)))
        {
            var reading = _files.ReadAsync(place.File, place.OffsetOf(op), window.Slices);
            var read = await reading;
            result = Finish(place, op, destination, read, _files.IsServerAlive());
        }

        Ask();
        return result.Code == StatusCode.Ok ? result : null;
    }

    /// <summary>A read that fits was made in the ordinary way.</summary>
    public void WasRead(in ReadOp op)
    {
        if (_isRefused || !_files.IsCurrent) return;
        var part = PartId.Of(op);
        ref var once = ref _readOnce[(uint)part.GetHashCode() % (uint)_readOnce.Length];
        if (once != part)
        {
            once = part;
            return;
        }

        if (_quietSince is { } since && _retry.Elapsed(since) < _quiet) return;
        once = default;
        var asks = new ReadOp(op.Chain, op.Chunk, part.Index * ChunkPlace.PartBytes, ChunkPlace.PartBytes);
        if (_toAsk.Count < ChunkPlace.MaxCount * 4 && !_toAsk.Contains(asks) && !_sent.Contains(asks)) _toAsk.Add(asks);
    }

    /// <summary>Sends what has come together to be asked, if anything; at the end of some reads.</summary>
    public void Ask()
    {
        if (_isAsking || _toAsk.Count == 0 || _isRefused || !_files.IsCurrent) return;
        var count = Math.Min(_toAsk.Count, ChunkPlace.MaxCount);
        Span<byte> header = stackalloc byte[StorageCodec.ReadRequestSize(count)];
        StorageCodec.WritePreamble(header, 0, (ushort)count);
        for (var i = 0; i < count; i++)
            StorageCodec.Write(header[StorageCodec.ReadRequestSize(i)..], _toAsk[i]);
        _sent.AddRange(_toAsk[..count]);
        _toAsk.RemoveRange(0, count);
        _isAsking = true;
        _asked = _retry.Now;
        _call = _connection.CallAsync(
            new Call { Method = (ushort)StorageMethod.Places, Header = header, Timeout = ContentLocation.HoldTime }).GetAwaiter();
        if (_call.IsCompleted) Answered();
        else _call.UnsafeOnCompleted(_answered);
    }

    private void Answered()
    {
        using (var answer = _call.GetResult())
        {
            _call = default;
            _isAsking = false;
            if (answer.IsOk) Learn(answer.Header);
            else if (answer.Status.Code is StatusCode.NotSupported or StatusCode.InvalidArgument) _isRefused = true;
        }

        foreach (var op in _sent)
        {
            if (_leases.TryGetValue(op.Chain.Id, out var lease)) lease.IsAsked = false;
        }

        _sent.Clear();
        Ask();
    }

    private void Learn(ReadOnlySpan<byte> answer)
    {
        for (var i = 0; i < _sent.Count && ChunkPlace.TryRead(ref answer, _checksums, out var told); i++)
        {
            var op = _sent[i];
            var mayRead = told.Code is StatusCode.Ok or StatusCode.Busy;
            LeaseOf(op.Chain.Id).Renew(op.Chain, _asked, mayRead ? told.Valid : TimeSpan.Zero);
            if (op.Length == 0) continue;
            if (told.Checksums.IsEmpty) _quietSince = _retry.Now;
            else Keep(op, told);
        }
    }

    private void Keep(in ReadOp op, in ChunkPlace told)
    {
        var part = PartId.Of(op);
        var units = Math.Min(ChunkPlace.MaxUnits, ((long)told.ChunkLength - op.Offset + ChunkPlace.UnitBytes - 1) / ChunkPlace.UnitBytes);
        if (told.Checksums.Length != units) return; // no place of this part at all
        if (!_paths.TryGetValue((told.Device, told.Inode), out var path))
            _paths[(told.Device, told.Inode)] = path = told.Path.ToArray();
        var place = new Place
        {
            Part = part, Chain = op.Chain, Word = told.Word, Generation = told.Generation, Path = path, Device = told.Device,
            Inode = told.Inode, Offset = told.Offset, ChunkLength = told.ChunkLength, Version = told.Version,
            Checksums = told.Checksums.ToArray(),
        };
        if (!_places.TryAdd(part, place))
        {
            _places[part] = place;
            return;
        }

        _order.Enqueue(part);
        while (_order.Count > Most && _order.TryDequeue(out var oldest)) _places.TryRemove(oldest, out _);
    }

    private void Forget(Place place) => _places.TryRemove(KeyValuePair.Create(place.Part, place));

    private bool IsHeld(VersionedChain chain) => _leases.TryGetValue(chain.Id, out var lease) && lease.Holds(chain, _retry);

    /// <summary>The replica may be read now; asks in time whether it may be later.</summary>
    private bool MayRead(VersionedChain chain)
    {
        var lease = LeaseOf(chain.Id);
        if (!lease.IsAsked && (lease.Chain != chain || _retry.Elapsed(lease.Since) > _renewAfter))
        {
            lease.IsAsked = true;
            _toAsk.Insert(0, new ReadOp(chain, default, 0, 0));
        }

        return lease.Holds(chain, _retry);
    }

    private ChainLease LeaseOf(ChainId chain)
    {
        if (!_leases.TryGetValue(chain, out var lease)) _leases.Add(chain, lease = new ChainLease());
        return lease;
    }

    /// <summary>For how long a replica may be read.</summary>
    private sealed class ChainLease
    {
        private TimeSpan _valid;

        public VersionedChain Chain { get; private set; }

        public long Since { get; private set; }

        public bool IsAsked { get; set; }

        public void Renew(VersionedChain chain, long since, TimeSpan valid) => (Chain, Since, _valid) = (chain, since, valid);

        public bool Holds(VersionedChain chain, RetryPolicy clock) => chain == Chain && clock.Elapsed(Since) < _valid;
    }
}
