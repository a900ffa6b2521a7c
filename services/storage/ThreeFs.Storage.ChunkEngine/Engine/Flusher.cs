using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using ThreeFs.Base;
using ThreeFs.Base.Tasks;
using ThreeFs.Storage.ChunkEngine.Index;
using ThreeFs.Storage.ChunkEngine.Records;

namespace ThreeFs.Storage.ChunkEngine.Engine;

/// <summary>
/// Makes what was acknowledged durable. First the blocks, then a mark in the index up to which updates have durable data,
/// then the index. Without the mark an opening after a power loss reads the update's units and drops it when they are torn; with
/// it the update is trusted, because folding may have written over its units since.
/// </summary>
/// <remarks>
/// Callers share: who comes while a flush runs waits for the next one, together with all others who came.
/// </remarks>
internal sealed class Flusher(StoreCore core)
{
    private const byte MarkVersion = 1;

    private bool _isRunning;
    private ulong _marked = core.LastSequence;
    private readonly Stack<SharedCompletion<StatusCode>> _idle = new();
    private SharedCompletion<StatusCode>? _next;

    public ValueTask<StatusCode> FlushAsync()
    {
        if (_isRunning)
        {
            _next ??= _idle.TryPop(out var idle) ? idle : new SharedCompletion<StatusCode>();
            return _next.WaitAsync();
        }

        _isRunning = true;
        return RunFirstAsync();
    }

    /// <summary>Adds to the batch that the data of all updates up to the sequence is durable.</summary>
    public static void AddMark(IndexBatch batch, ulong sequence)
    {
        var value = batch.BeginPut(Keys.ForFlushed, 9);
        value[0] = MarkVersion;
        BinaryPrimitives.WriteUInt64LittleEndian(value[1..], sequence);
    }

    public static Status ReadMark(ReadOnlySpan<byte> value, out ulong sequence)
    {
        sequence = 0;
        if (value.Length != 9) return new Status(StatusCode.Corruption, $"the flush record has {value.Length} bytes, not 9");
        if (value[0] != MarkVersion) return RecordErrors.UnknownVersion("flush", value[0], MarkVersion);
        sequence = BinaryPrimitives.ReadUInt64LittleEndian(value[1..]);
        return Status.Ok;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<StatusCode> RunFirstAsync()
    {
        var code = await FlushOnceAsync();
        if (_next is null) _isRunning = false;
        else _ = RunOthersAsync();
        return code;
    }

    private async Task RunOthersAsync()
    {
        var isLast = false;
        while (!isLast)
        {
            var waiting = _next!;
            _next = null;
            var code = await FlushOnceAsync();
            isLast = _next is null;
            if (isLast) _isRunning = false; // before the waiters go on: they may flush again
            waiting.SetResult(code);
            waiting.Reset();
            _idle.Push(waiting);
        }
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<StatusCode> FlushOnceAsync()
    {
        core.Counters.Flushes++;
        var covered = core.LastSequence;
        if (core.IsDeviceDirty)
        {
            core.IsDeviceDirty = false;
            core.Counters.DeviceFlushes++;
            var flushed = await core.Device.FlushAsync();
            if (flushed != StatusCode.Ok) return core.Fault(flushed, "a flush of the blocks failed");
        }

        if (covered > _marked)
        {
            _marked = covered;
            AddMark(core.Batch, covered);
        }

        var code = core.WriteBatch();
        if (code != StatusCode.Ok) return code;
        code = await core.Index.SyncAsync();
        return code == StatusCode.Ok ? code : core.Fault(code, "a flush of the index failed");
    }
}
