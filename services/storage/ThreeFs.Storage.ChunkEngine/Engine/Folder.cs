using System.Runtime.CompilerServices;
using ThreeFs.Base;
using ThreeFs.Base.Tasks;
using ThreeFs.Storage.ChunkEngine.Channels;
using ThreeFs.Storage.ChunkEngine.Chunks;
using ThreeFs.Storage.ChunkEngine.Device;

namespace ThreeFs.Storage.ChunkEngine.Engine;

/// <summary>
/// Folding: brings committed updates from memory and index into their blocks, and frees what they replaced.
/// </summary>
/// <remarks>
/// The order is the whole argument for power loss. (1) Flush: the updates to fold, their commits and their data are durable, so
/// a crash from here on finds them in the index. (2) Wait for reads that may use the old units. (3) Write redo content in
/// place; a torn write is repaired by the update's record. (4) Flush the blocks. (5) The channels' last updates as they
/// were at (1), which the records deleted next cannot tell any more. (6) One batch a chunk: new folded record, checksums, updates
/// deleted, replaced blocks free. Replaced blocks are handed out only after the next (1), when that batch
/// is durable. One fold runs at a time; updates go on beside it and are folded by the next one. Allocates nothing in steady state.
/// </remarks>
internal sealed class Folder
{
    /// <summary>Chunks whose redo content is written at the same time.</summary>
    private const int Width = 16;

    /// <summary>Bytes of records written to the index at once.</summary>
    private const int BatchBytes = 256 * 1024;

    /// <summary>Folds awaited for room before an update is answered Overloaded or NoSpace.</summary>
    private const int MaxWaits = 4;

    private readonly List<ChunkRecord> _work = [];
    private readonly ValueTask<StatusCode>[] _workers = new ValueTask<StatusCode>[Width];
    private readonly Stack<SharedCompletion<StatusCode>> _idle = new();
    private readonly StoreCore _core;
    private readonly Flusher _flusher;
    private readonly FoldWriter _writer;
    private readonly Action _finish;
    private SharedCompletion<StatusCode>? _running;
    private ValueTaskAwaiter<StatusCode> _fold;
    private int _nextToApply;

    public Folder(StoreCore core, Flusher flusher)
    {
        _core = core;
        _flusher = flusher;
        _writer = new FoldWriter(core);
        _finish = Finish;
    }

    public bool HasWork =>
        _core.Unfolded.Count > 0 || _core.Space.RetiredCount > 0 || _core.RetiredLeases.Count > 0 || _core.HasHeldCommits
        || _core.Channels.HasChanges;

    private bool IsDue =>
        _core.OverlayBytes >= _core.Options.FoldAtOverlayBytes
        || _core.UnfoldedUpdates >= _core.Options.FoldAtUpdates
        || _core.UnfoldedBlockBytes + _core.Space.RetiredBytes >= _core.Options.FoldAtRetiredBytes;

    public void StartIfDue()
    {
        if (_running is null && _core.Health.IsOk && IsDue) Start(Take());
    }

    /// <summary>Folds everything committed so far, or joins the running fold.</summary>
    public ValueTask<StatusCode> FoldAsync()
    {
        if (_running is not { } running)
        {
            // Asked before the start: a fold may be over when that returns.
            running = Take();
            var result = running.WaitAsync();
            Start(running);
            return result;
        }

        return running.WaitAsync();
    }

    /// <summary>Holds an update back while too much content waits in memory.</summary>
    public ValueTask<bool> WaitForRoomAsync() =>
        _core.OverlayBytes < _core.Options.MaxOverlayBytes ? new ValueTask<bool>(true) : WaitForRoomSlowlyAsync();

    /// <summary>Hands out a block; when the disk seems full, after folding has freed what it can.</summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    public async ValueTask<(StatusCode Code, BlockPosition Position)> TakeBlockAsync(BlockClass size)
    {
        var result = await _core.Space.TakeAsync(size);
        for (var i = 0; i < MaxWaits && result.Code == StatusCode.NoSpace && HasWork && _core.Health.IsOk; i++)
        {
            await FoldAsync();
            while (await _core.Space.ReleaseOneGroupAsync()) { }
            result = await _core.Space.TakeAsync(size);
        }

        return result;
    }

    private async ValueTask<bool> WaitForRoomSlowlyAsync()
    {
        for (var i = 0; i < MaxWaits && _core.OverlayBytes >= _core.Options.MaxOverlayBytes && _core.Health.IsOk; i++)
            await FoldAsync();
        return true;
    }

    private SharedCompletion<StatusCode> Take() => _idle.TryPop(out var idle) ? idle : new SharedCompletion<StatusCode>();

    /// <summary>Without an async method of its own: nobody awaits a fold that was started because it is due.</summary>
    private void Start(SharedCompletion<StatusCode> running)
    {
        _running = running;
        _fold = FoldOnceAsync().GetAwaiter();
        if (_fold.IsCompleted) Finish();
        else _fold.UnsafeOnCompleted(_finish);
    }

    private void Finish()
    {
        var running = _running!;
        StatusCode code;
        try
        {
            code = _fold.GetResult();
        }
        catch (InvariantException e)
        {
            // Stays the running fold: there is no other one, and who asks for it hears why.
            _core.Fault(StatusCode.Internal, e.Message);
            running.SetException(e);
            return;
        }

        _running = null;
        running.SetResult(code);
        running.Reset();
        _idle.Push(running);
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<StatusCode> FoldOnceAsync()
    {
        var code = _core.WriteBatch(); // the held commits: what is folded below is committed in the index
        if (code != StatusCode.Ok) return code;
        _core.ChannelsToFold.Clear();
        _core.Channels.TakeChanges(_core.ChannelsToFold);
        _work.Clear();
        _work.AddRange(_core.Unfolded);
        _core.Unfolded.Clear();
        foreach (var record in _work)
        {
            record.FoldTo = record.Newest;
            record.MayLowerHighWater = true;
        }

        var retiredBlocks = _core.Space.RetiredCount;
        var retiredLeases = _core.RetiredLeases.Count;
        code = await _flusher.FlushAsync();
        if (code != StatusCode.Ok) return code;
        await _core.Readers.WaitAsync();
        _core.Space.GiveBackRetired(retiredBlocks);
        _core.FreeRetiredLeases(retiredLeases);
        if (_work.Count > 0 || _core.ChannelsToFold.Count > 0)
        {
            code = await ApplyAsync();
            if (code != StatusCode.Ok) return code;
            code = WriteRecords();
            if (code != StatusCode.Ok) return code;
            _core.Counters.Folds++;
            retiredLeases = _core.RetiredLeases.Count;
            await _core.Readers.WaitAsync();
            _core.FreeRetiredLeases(retiredLeases);
        }

        await _core.Space.ReleaseOneGroupAsync();
        return _core.Health.Code;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<StatusCode> ApplyAsync()
    {
        _nextToApply = 0;
        var width = Math.Min(Width, _work.Count);
        for (var i = 0; i < width; i++) _workers[i] = ApplySomeAsync();
        var result = StatusCode.Ok;
        for (var i = 0; i < width; i++)
        {
            var code = await _workers[i];
            if (code != StatusCode.Ok) result = code;
        }

        if (result != StatusCode.Ok) return _core.Fault(result, "a write to the blocks failed");
        if (!_writer.HasWritten) return StatusCode.Ok;
        _writer.HasWritten = false;
        _core.Counters.DeviceFlushes++;
        result = await _core.Device.FlushAsync();
        return result == StatusCode.Ok ? result : _core.Fault(result, "a flush of the blocks failed");
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<StatusCode> ApplySomeAsync()
    {
        while (_nextToApply < _work.Count)
        {
            var code = await _writer.ApplyAsync(_work[_nextToApply++]);
            if (code != StatusCode.Ok) return code;
        }

        return StatusCode.Ok;
    }

    private StatusCode WriteRecords()
    {
        ChannelWrites.AddTo(_core.Batch, _core.ChannelsToFold);
        var code = _core.WriteBatch();
        if (code != StatusCode.Ok) return code;
        var first = 0;
        for (var i = 0; i < _work.Count; i++)
        {
            _writer.AddRecords(_work[i]);
            if (_core.Batch.Bytes.Length < BatchBytes && i + 1 < _work.Count) continue;
            code = _core.WriteBatch();
            if (code != StatusCode.Ok) return code;
            for (; first <= i; first++) _writer.Finish(_work[first]);
        }

        // Listed again are chunks with updates that came meanwhile.
        foreach (var record in _work)
        {
            record.IsListedForFold = record.Oldest is not null;
            if (record.IsListedForFold) _core.Unfolded.Add(record);
            else _core.ForgetIfEmpty(record);
        }

        return StatusCode.Ok;
    }
}
