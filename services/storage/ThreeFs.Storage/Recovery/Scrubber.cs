using ThreeFs.Base;
using ThreeFs.Contracts.Routing;
using ThreeFs.Storage.ChunkEngine;
using ThreeFs.Storage.Targets;
using ThreeFs.Storage.Threading;
using ThreeFs.Storage.Updates;

namespace ThreeFs.Storage.Recovery;

/// <summary>
/// Reads every stored chunk once in a while, so that damage which nobody has read yet is found while another replica can still repair
/// it.
/// </summary>
/// <remarks>
/// A pass walks the chunks in the order of their ids, slice by slice, at no more than <see cref="StorageLimits.ScrubBytesPerSecond"/> and
/// one read at a time, while the target serves. The engine verifies what it reads; <see cref="Repairer"/> repairs what is damaged. Passes begin
/// <see cref="StorageLimits.ScrubInterval"/> apart. Where a pass stands is not remembered over restarts: the first one of a process
/// begins at a chunk that differs from opening to opening, so that a process which never runs for a whole pass still comes by everything.
/// </remarks>
internal sealed class Scrubber(Replica replica)
{
    private const uint SliceBytes = 1 << 20;

    private readonly ReplicaServices _services = replica.Services;
    private readonly ChunkState[] _page = new ChunkState[64];
    private int _pageCount;
    private int _pageNext;
    private ChunkId _first;
    private ChunkId? _after;
    private bool _wrapped;
    private uint _offset;
    private double _allowance;
    private long _refilledAt;
    private Deadline _nextPass = Deadline.In(replica.Services.Limits.FirstScrubAfter, replica.Services.Time);
    private long _startedAt;
    private Task? _step;

    public ScrubProgress Progress { get; private set; }

    /// <summary>Reads on when it is time to. Called often; cheap when there is nothing to do.</summary>
    public void Tick()
    {
        if (_services.Limits.ScrubBytesPerSecond <= 0 || _step is { IsCompleted: false } || !MayRead()) return;
        if (!Progress.IsRunning)
        {
            if (!_nextPass.IsOver(_services.Time) || !TryBegin()) return;
        }

        Refill();
        if (_allowance <= 0) return;
        _step = ReadOnAsync();
        _step.Guard(_services);
    }

    /// <summary>Waits for the read under way.</summary>
    public async ValueTask StopAsync()
    {
        if (_step is { } step) await step;
    }

    private bool MayRead() =>
        !replica.IsStopped && replica.Place.IsServing && replica.Standing.Local == LocalTargetState.UpToDate && replica.HoldsLease;

    private bool TryBegin()
    {
        _nextPass = Deadline.In(_services.Limits.ScrubInterval, _services.Time);
        if (replica.Store.Bounds is not var (first, last)) return false;
        _startedAt = _refilledAt = _services.Time.GetTimestamp();
        _first = Progress.Passes == 0 ? SomewhereBetween(first, last) : first;
        (_after, _wrapped, _offset, _pageCount, _pageNext, _allowance) = (null, false, 0, 0, 0, 0);
        Progress = new ScrubProgress(true, 0, 0, 0, Progress.Passes);
        return true;
    }

    /// <summary>Spreads over the inodes by the number of the opening.</summary>
    private ChunkId SomewhereBetween(ChunkId first, ChunkId last)
    {
        var span = last.Inode.Value - first.Inode.Value;
        if (span == 0) return first;
        var mixed = replica.Store.OpenEpoch * 0x9E3779B97F4A7C15;
        return new ChunkId(new InodeId(first.Inode.Value + mixed % span), 0);
    }

    /// <summary>At most one second's worth is saved up.</summary>
    private void Refill()
    {
        var now = _services.Time.GetTimestamp();
        var rate = _services.Limits.ScrubBytesPerSecond;
        _allowance = Math.Min(rate, _allowance + rate * _services.Time.GetElapsedTime(_refilledAt, now).TotalSeconds);
        _refilledAt = now;
    }

    private async Task ReadOnAsync()
    {
        using var buffer = _services.Buffers.TryRent((int)SliceBytes, HopBuffers.MostHops);
        if (buffer is null) return; // clients need the memory more
        while (_allowance > 0 && MayRead())
        {
            if (_pageNext == _pageCount && !NextPage())
            {
                End();
                return;
            }

            var chunk = _page[_pageNext].Chunk;
            if (!replica.Store.TryGet(chunk, out var state) || _offset >= state.Committed.Length)
            {
                replica.Repairer.FoundWhole(chunk);
                Advance();
                continue;
            }

            var length = Math.Min(SliceBytes, state.Committed.Length - _offset);
            var read = await replica.Store.ReadAsync(chunk, _offset, length, buffer.Memory);
            if (read.Code is not (StatusCode.Ok or StatusCode.ChecksumMismatch or StatusCode.IoError or StatusCode.ChunkNotFound))
                return; // nothing was read: the same again later

            _allowance -= length;
            _offset += length;
            Progress = Progress with { Bytes = Progress.Bytes + length };
            _services.Observer.Scrubbed(length);
            if (read.Code is not (StatusCode.ChecksumMismatch or StatusCode.IoError)) continue;
            Progress = Progress with { Damaged = Progress.Damaged + 1 };
            if (read.Code == StatusCode.IoError) replica.ReportUnreadable(chunk);
            Advance();
        }
    }

    private void Advance()
    {
        _after = _page[_pageNext++].Chunk;
        _offset = 0;
        Progress = Progress with { Chunks = Progress.Chunks + 1 };
    }

    /// <summary>False when the pass has come back to where it began.</summary>
    private bool NextPage()
    {
        var from = _after is not { } after ? _wrapped ? default : _first : after == ChunkIds.Max ? after : ChunkIds.Next(after);
        var isEnd = _after == ChunkIds.Max;
        _pageNext = 0;
        _pageCount = isEnd ? 0 : replica.Store.List(from, ChunkIds.Max, _page);
        if (_wrapped)
        {
            while (_pageCount > 0 && _page[_pageCount - 1].Chunk.CompareTo(_first) >= 0) _pageCount--;
            return _pageCount > 0;
        }

        if (_pageCount > 0) return true;
        (_wrapped, _after) = (true, null);
        return NextPage();
    }

    private void End()
    {
        Progress = Progress with { IsRunning = false, Passes = Progress.Passes + 1 };
        replica.Repairer.ForgetRemoved();
        Log.Scrubbed(
            _services.Log, replica.Target, Progress.Chunks, Progress.Bytes, Progress.Damaged,
            _services.Time.GetElapsedTime(_startedAt).TotalSeconds);
    }
}
