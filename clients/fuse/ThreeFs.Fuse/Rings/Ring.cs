using Microsoft.Extensions.Logging;
using ThreeFs.Fuse.Protocol;
using ThreeFs.UsrbIo;

namespace ThreeFs.Fuse.Rings;

/// <summary>
/// One ring at work: takes operations from its memory as jobs, carries them out, and puts their results back. Claimed by one watcher at a
/// time; jobs complete on any thread.
/// </summary>
/// <remarks>
/// How many operations make a job is the ring's depth (<see cref="RegistryKey.Depth"/>). With depth 0 everything that is there goes out at
/// once, in pieces of at most <see cref="RingJob.MaxOperations"/> that do not wait for each other. A ring has at most <see cref="MaxJobs"/> under
/// way, so that a ring of a hundred thousand operations in jobs of one does not take the mount's memory.
/// The memory belongs to the application: an impossible value there breaks the ring, which then does nothing any more.
/// </remarks>
internal sealed class Ring
{
    public const int MaxJobs = 256;

    /// <summary>Operations that one look starts; the others wait for the next one, which comes at once.</summary>
    public const int MaxAtOnce = 1024;

    private readonly SharedBuffer _memory;
    private readonly RingMemory _ring;
    private readonly IRingFiles _files;
    private readonly BufferTable _buffers;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly bool _isReadOnly;
    private readonly Lock _lock = new();
    private readonly Queue<RingJob> _inOrder = new();
    private readonly Stack<RingJob> _idle = new();
    private readonly Dictionary<ulong, IRingFile> _found = [];
    private int _claimed;
    private int _underWay;
    private int _jobs;
    private bool _isHeldBack;
    private Action? _lookAgain;
    private long? _waitsSince;
    private volatile bool _isBroken;

    private Ring(SharedBuffer memory, RingLayout layout, RingWorld world)
    {
        _memory = memory;
        _ring = new RingMemory(memory, layout);
        (_files, _buffers, _time, _log, _isReadOnly) = (world.Files, world.Buffers, world.Time, world.Log, world.IsReadOnly);
        _claimed = _ring.SubmitTail;
    }

    public RegistryKey Key => _memory.Key;

    /// <summary>Null when the memory is too small for a ring, or for the depth that its name asks for.</summary>
    public static Ring? Open(SharedBuffer memory, RingWorld world) =>
        RingLayout.TryOf(memory.Size, out var layout) && Math.Abs(memory.Key.Depth) <= layout.Entries
            ? new Ring(memory, layout, world)
            : null;

    /// <summary>Called when there is room again for what was held back. Any thread.</summary>
    public void WatchedBy(Action lookAgain) => _lookAgain = lookAgain;

    /// <summary>Starts the jobs that are there now. The ring's watcher calls it.</summary>
    public void Claim(out TimeSpan? lookAgainIn)
    {
        lookAgainIn = null;
        if (_isBroken || !_memory.TryAcquire()) return;
        var started = 0;
        for (var size = NextJob(out lookAgainIn); size > 0; size = NextJob(out lookAgainIn))
        {
            Start(size);
            started += size;
            if (started < MaxAtOnce) continue;
            lookAgainIn = TimeSpan.Zero;
            break;
        }

        _memory.Release();
    }

    /// <summary>Operations of the next job; 0: there is none yet.</summary>
    private int NextJob(out TimeSpan? lookAgainIn)
    {
        lookAgainIn = null;
        if (_isBroken) return 0;
        var head = _ring.SubmitHead;
        if (head < 0)
        {
            Break("its head is no position");
            return 0;
        }

        // What an application that minds its ring can have under way at most. Jobs are over in order: who takes the results of a later one
        // and submits again is held back until the ones before it end, and need not submit anything then.
        var queued = (head - _claimed + _ring.Slots) % _ring.Slots;
        lock (_lock)
        {
            var room = _ring.Slots - 1 - _underWay;
            _isHeldBack = _jobs >= MaxJobs || queued > room;
            if (_jobs >= MaxJobs) return 0;
            queued = Math.Min(queued, room);
        }

        var depth = Key.Depth;
        if (queued == 0 || (depth > 0 && queued < depth)) return 0;
        if (depth >= 0) return depth > 0 ? depth : PieceOf(queued);
        if (queued >= -depth || Key.TimeoutMs == 0) return WithoutWaiting(Math.Min(queued, -depth));

        // An incomplete job is released by time.
        _waitsSince ??= _time.GetTimestamp();
        var left = TimeSpan.FromMilliseconds(Key.TimeoutMs) - _time.GetElapsedTime(_waitsSince.Value);
        if (left <= TimeSpan.Zero) return WithoutWaiting(queued);
        lookAgainIn = left;
        return 0;
    }

    /// <summary>
    /// In two halves, as far as they are worth a wake-up each: while the application takes and replaces one, the disk works on the other.
    /// </summary>
    private int PieceOf(int queued)
    {
        // What is read here is looked at again when it is taken.
        var (few, bytes) = (0, 0ul);
        for (; few < Math.Min(queued, RingJob.FewOperations) && bytes < RingJob.FewBytes; few++)
        {
            var slot = _ring.SlotAt((_claimed + few) % _ring.Slots);
            if (slot >= 0) bytes += Math.Min(_ring.OperationOf(slot).Length, RingJob.FewBytes);
        }

        return Math.Min(queued, Math.Clamp((queued + 1) / 2, few, RingJob.MaxOperations));
    }

    private int WithoutWaiting(int size)
    {
        _waitsSince = null;
        return size;
    }

    private void Start(int size)
    {
        RingJob job;
        lock (_lock)
        {
            if (!_idle.TryPop(out job!)) job = new RingJob(_files.NewReads(Key.Flags));
            job.Submissions = size;
            _underWay += size;
            _jobs++;
            _inOrder.Enqueue(job);
        }

        for (var i = 0; i < size; i++)
        {
            var slot = _ring.SlotAt(_claimed);
            _claimed = (_claimed + 1) % _ring.Slots;
            if (slot < 0)
            {
                Break("a submission names no slot");
                break;
            }

            job.Work.Add(Prepare(job, slot, _ring.OperationOf(slot)));
        }

        _memory.TryAcquire(); // for the job; the watcher holds it, so it is there
        _ = RunAsync(job);
    }

    /// <summary>Checks an operation, and adds it to the job's reads when it is one.</summary>
    private RingWork Prepare(RingJob job, int slot, in RingOperation operation)
    {
        var work = new RingWork(slot, operation, null, null, -1, 0);
        if (FileOf(operation.Inode) is not { } file) return work with { Result = -(long)Errno.EBADF };
        if (!Key.ForRead && _isReadOnly) return work with { Result = -(long)Errno.EROFS };
        if (_buffers.Acquire(operation.Buffer, _memory.Owner) is not { } buffer) return work with { Result = -(long)Errno.EINVAL };
        if (operation.FileOffset > long.MaxValue || buffer.Slice(operation.BufferOffset, operation.Length) is not { } memory)
        {
            buffer.Release();
            return work with { Result = -(long)Errno.EINVAL };
        }

        work = work with { File = file, Buffer = buffer };
        if (memory.Length == 0 || !Key.ForRead) return work;
        work = work with { ReadIndex = job.ReadCount++ };
        job.Reads.Add(file, operation.FileOffset, memory);
        return work;
    }

    private IRingFile? FileOf(ulong inode)
    {
        if (_found.TryGetValue(inode, out var file) && file.IsOpen) return file;
        _found.Remove(inode);
        if (_files.Find(inode, _memory.Owner, Key.ForRead) is not { } opened) return null;
        if (_found.Count >= 4096) _found.Clear();
        _found.Add(inode, opened);
        return opened;
    }

    private async Task RunAsync(RingJob job)
    {
        try
        {
            if (Key.ForRead) await job.Reads.RunAsync();
            else await WriteAllAsync(job);
        }
        catch (Exception e)
        {
            Log.RingJobFailed(_log, e, Key.ToString());
            foreach (ref var work in System.Runtime.InteropServices.CollectionsMarshal.AsSpan(job.Work))
                work = work with { ReadIndex = -1, Result = work.Result < 0 ? work.Result : -(long)Errno.EIO };
        }

        Completed(job);
    }

    private async Task WriteAllAsync(RingJob job)
    {
        var running = new List<(int Index, ValueTask<long> Writing)>(job.Work.Count);
        for (var i = 0; i < job.Work.Count; i++)
        {
            var work = job.Work[i];
            if (work.Buffer?.Slice(work.Operation.BufferOffset, work.Operation.Length) is not { Length: > 0 } memory) continue;
            running.Add((i, work.File!.WriteAsync(work.Operation.FileOffset, memory)));
        }

        foreach (var (index, writing) in running) job.Work[index] = job.Work[index] with { Result = await writing };
    }

    /// <summary>Results go into the ring at once; submissions are given back in the order in which they came.</summary>
    private void Completed(RingJob job)
    {
        var count = job.Work.Count;
        bool looksAgain;
        lock (_lock)
        {
            _jobs--;
            (looksAgain, _isHeldBack) = (_isHeldBack, false);
            foreach (var work in job.Work)
            {
                var result = work.ReadIndex >= 0 ? job.Reads.ResultOf(work.ReadIndex) : work.Result;
                work.Buffer?.Release();
                if (!_isBroken && !_ring.TryComplete(work.Slot, result, work.Operation.UserData)) Break("its completions are not taken");
            }

            job.IsDone = true;
            while (_inOrder.TryPeek(out var first) && first.IsDone)
            {
                _inOrder.Dequeue();
                _underWay -= first.Submissions;
                _ring.AdvanceSubmissions(first.Submissions);
                first.Clear();
                _idle.Push(first);
            }

            _ring.Wake();
        }

        if (looksAgain) _lookAgain?.Invoke();
        Metrics.RingOperations.WithLabels(Key.ForRead ? "read" : "write").Inc(count);
        _memory.Release();
    }

    private void Break(string why)
    {
        _isBroken = true;
        Log.RingBroken(_log, Key.ToString(), _memory.Owner, why);
    }
}
