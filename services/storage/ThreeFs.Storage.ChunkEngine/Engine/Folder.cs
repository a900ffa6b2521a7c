using System.Runtime.CompilerServices;
using ThreeFs.Base;
using ThreeFs.Base.Tasks;
using ThreeFs.Contracts.Storage;
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
/// is durable. One fold runs at a time; updates go on beside it and are folded by the next one.
/// </remarks>
internal sealed class Folder(StoreCore core, Flusher flusher)
{
    /// <summary>Chunks whose redo content is written at the same time.</summary>
    private const int Width = 16;

    /// <summary>Bytes of records written to the index at once.</summary>
    private const int BatchBytes = 256 * 1024;

    /// <summary>Folds awaited for room before an update is answered Overloaded or NoSpace.</summary>
    private const int MaxWaits = 4;

    private readonly List<ChunkRecord> _work = [];
    private readonly List<(int Slot, ChannelUpdate Update)> _channels = [];
    private readonly FoldWriter _writer = new(core);
    private SharedCompletion<StatusCode>? _running;
    private int _nextToApply;

    public bool HasWork =>
        core.Unfolded.Count > 0 || core.Space.RetiredCount > 0 || core.RetiredLeases.Count > 0 || core.HasHeldCommits || core.Channels.HasChanges;

    private bool IsDue =>
        core.OverlayBytes >= core.Options.FoldAtOverlayBytes
        || core.UnfoldedUpdates >= core.Options.FoldAtUpdates
        || core.UnfoldedBlockBytes + core.Space.RetiredBytes >= core.Options.FoldAtRetiredBytes;

    public void StartIfDue()
    {
        if (_running is not null || !core.Health.IsOk || !IsDue) return;
        _running = new SharedCompletion<StatusCode>();
        _ = RunAsync(_running);
    }

    /// <summary>Folds everything committed so far, or joins the running fold.</summary>
    public ValueTask<StatusCode> FoldAsync()
    {
        var running = _running;
        if (running is null)
        {
            running = _running = new SharedCompletion<StatusCode>();
            _ = RunAsync(running);
        }

        return running.WaitAsync();
    }

    /// <summary>Holds an update back while too much content waits in memory.</summary>
    public ValueTask<bool> WaitForRoomAsync() =>
        core.OverlayBytes < core.Options.MaxOverlayBytes ? new ValueTask<bool>(true) : WaitForRoomSlowlyAsync();

    /// <summary>Hands out a block; when the disk seems full, after folding has freed what it can.</summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    public async ValueTask<(StatusCode Code, BlockPosition Position)> TakeBlockAsync(BlockClass size)
    {
        var result = await core.Space.TakeAsync(size);
        for (var i = 0; i < MaxWaits && result.Code == StatusCode.NoSpace && HasWork && core.Health.IsOk; i++)
        {
            await FoldAsync();
            while (await core.Space.ReleaseOneGroupAsync()) { }
            result = await core.Space.TakeAsync(size);
        }

        return result;
    }

    private async ValueTask<bool> WaitForRoomSlowlyAsync()
    {
        for (var i = 0; i < MaxWaits && core.OverlayBytes >= core.Options.MaxOverlayBytes && core.Health.IsOk; i++)
            await FoldAsync();
        return true;
    }

    private async Task RunAsync(SharedCompletion<StatusCode> running)
    {
        StatusCode code;
        try
        {
            code = await FoldOnceAsync();
        }
        catch (InvariantException e)
        {
            code = core.Fault(StatusCode.Internal, e.Message);
            running.SetException(e);
            throw;
        }

        _running = null;
        running.SetResult(code);
    }

    private async Task<StatusCode> FoldOnceAsync()
    {
        var code = core.WriteBatch(); // the held commits: what is folded below is committed in the index
        if (code != StatusCode.Ok) return code;
        _channels.Clear();
        core.Channels.TakeChanges(_channels);
        _work.Clear();
        _work.AddRange(core.Unfolded);
        core.Unfolded.Clear();
        foreach (var record in _work)
        {
            record.FoldTo = record.Newest;
            record.MayLowerHighWater = true;
        }

        var retiredBlocks = core.Space.RetiredCount;
        var retiredLeases = core.RetiredLeases.Count;
        code = await flusher.FlushAsync();
        if (code != StatusCode.Ok) return code;
        await core.Readers.WaitAsync();
        core.Space.GiveBackRetired(retiredBlocks);
        core.FreeRetiredLeases(retiredLeases);
        if (_work.Count > 0 || _channels.Count > 0)
        {
            code = await ApplyAsync();
            if (code != StatusCode.Ok) return code;
            code = WriteRecords();
            if (code != StatusCode.Ok) return code;
            core.Counters.Folds++;
            retiredLeases = core.RetiredLeases.Count;
            await core.Readers.WaitAsync();
            core.FreeRetiredLeases(retiredLeases);
        }

        await core.Space.ReleaseOneGroupAsync();
        return core.Health.Code;
    }

    private async Task<StatusCode> ApplyAsync()
    {
        _nextToApply = 0;
        var workers = new Task<StatusCode>[Math.Min(Width, _work.Count)];
        for (var i = 0; i < workers.Length; i++) workers[i] = ApplySomeAsync();
        var result = StatusCode.Ok;
        foreach (var worker in workers)
        {
            var code = await worker;
            if (code != StatusCode.Ok) result = code;
        }

        if (result != StatusCode.Ok) return core.Fault(result, "a write to the blocks failed");
        if (!_writer.HasWritten) return StatusCode.Ok;
        _writer.HasWritten = false;
        core.Counters.DeviceFlushes++;
        result = await core.Device.FlushAsync();
        return result == StatusCode.Ok ? result : core.Fault(result, "a flush of the blocks failed");
    }

    private async Task<StatusCode> ApplySomeAsync()
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
        ChannelWrites.AddTo(core.Batch, _channels);
        var code = core.WriteBatch();
        if (code != StatusCode.Ok) return code;
        var first = 0;
        for (var i = 0; i < _work.Count; i++)
        {
            _writer.AddRecords(_work[i]);
            if (core.Batch.Bytes.Length < BatchBytes && i + 1 < _work.Count) continue;
            code = core.WriteBatch();
            if (code != StatusCode.Ok) return code;
            for (; first <= i; first++) _writer.Finish(_work[first]);
        }

        // Listed again are chunks with updates that came meanwhile.
        foreach (var record in _work)
        {
            record.IsListedForFold = record.Oldest is not null;
            if (record.IsListedForFold) core.Unfolded.Add(record);
            else core.ForgetIfEmpty(record);
        }

        return StatusCode.Ok;
    }
}
