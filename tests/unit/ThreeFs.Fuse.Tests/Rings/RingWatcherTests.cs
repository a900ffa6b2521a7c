using ThreeFs.Base.Memory;
using ThreeFs.Fuse.Rings;
using ThreeFs.Fuse.Tests.Support;
using ThreeFs.Io;
using ThreeFs.UsrbIo;

namespace ThreeFs.Fuse.Tests.Rings;

/// <summary>What an application submits is found, on a reactor and on a thread alike, however it falls between two looks.</summary>
[Collection(nameof(SharedArena))]
public sealed class RingWatcherTests : IDisposable
{
    private const uint Owner = 1000;
    private const int Depth = 3000; // more than one look starts
    private const int Size = 512;

    private readonly BufferTable _buffers = new();
    private readonly SharedMemoryFile _data = new(Depth * Size);
    private readonly SharedMemoryFile _positions = new(RingLayout.SizeOf(Depth));
    private readonly SharedBuffer _buffer;
    private readonly Files _files = new();
    private readonly Reactor _reactor = Reactor.Start("rings").Value;

    public RingWatcherTests()
    {
        _buffer = _data.Open(owner: Owner);
        Assert.True(_buffers.TryAdd(_buffer));
    }

    public void Dispose()
    {
        _buffers.Remove(_buffer);
        _reactor.Dispose();
        _data.Dispose();
        _positions.Dispose();
    }

    private (Ring Ring, SharedBuffer Memory) Open(string decoration)
    {
        var memory = _positions.Open(decoration, Owner);
        var world = new RingWorld(_files, _buffers, TimeProvider.System, new RecordingLogger(), IsReadOnly: false);
        return (Ring.Open(memory, world)!, memory);
    }

    private unsafe void Submit(SharedBuffer memory, int first, int count, int size = Size)
    {
        Assert.True(RingLayout.TryOf(memory.Size, out var layout));
        for (var i = first; i < first + count; i++)
        {
            var slot = i % layout.Entries;
            ((RingOperation*)(memory.Address + RingLayout.HeaderSize))[slot] = new RingOperation
            {
                Buffer = _buffer.Key.Id, BufferOffset = (ulong)(slot * size), Inode = 1, Length = (ulong)size, UserData = (ulong)i,
            };
            ((RingSubmission*)(memory.Address + layout.SubmissionsOffset))[i % layout.Slots].Index = slot;
            Volatile.Write(ref *(int*)(memory.Address + RingLayout.SubmitHeadOffset), (i + 1) % layout.Slots);
        }
    }

    /// <summary>Waits as an application does and takes completions until there were so many.</summary>
    private static async Task TakeAsync(SharedBuffer memory, int count)
    {
        for (var i = 0; i < 2000 && count > 0; i++)
        {
            count -= TakeAll(memory);
            if (count > 0) await Task.Delay(5);
        }

        Assert.Equal(0, count);
    }

    private static unsafe int TakeAll(SharedBuffer memory)
    {
        Assert.True(RingLayout.TryOf(memory.Size, out var layout));
        ref var tail = ref *(int*)(memory.Address + RingLayout.CompleteTailOffset);
        var head = Volatile.Read(ref *(int*)(memory.Address + RingLayout.CompleteHeadOffset));
        var taken = (head - tail + layout.Slots) % layout.Slots;
        for (var i = 0; i < taken; i++)
        {
            var at = (tail + i) % layout.Slots;
            Assert.Equal(Size, ((RingCompletion*)(memory.Address + layout.CompletionsOffset))[at].Result);
        }

        Volatile.Write(ref tail, head);
        return taken;
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Everything_that_is_submitted_is_done(bool onReactor)
    {
        var (ring, memory) = Open(".r0.t0");
        using var watcher = new RingWatcher(SubmitSemaphore.Create().Value, "test", onReactor ? _reactor : null);
        watcher.Add(ring);
        var submitted = 0;
        foreach (var count in new[] { 1, Depth, 1, 64, 65, 2000, 7 })
        {
            Submit(memory, submitted, count);
            watcher.Semaphore.Post();
            submitted += count;
            await TakeAsync(memory, count);
        }

        watcher.Remove(ring);
        memory.Release();
    }

    [Theory]
    [InlineData(32, Size, new[] { 16, 16 })]
    [InlineData(100, Size, new[] { 50, 25, 16, 9 })]
    [InlineData(300, Size, new[] { 64, 64, 64, 54, 27, 16, 11 })]
    [InlineData(8, 128 << 10, new[] { 4, 2, 1, 1 })]
    [InlineData(1, 128 << 10, new[] { 1 })]
    public void What_is_there_goes_out_in_halves_that_are_worth_it(int count, int size, int[] jobs)
    {
        var (ring, memory) = Open(".r0.t0");
        Submit(memory, 0, count, size);
        ring.Claim(out _);
        Assert.Equal(jobs, _files.Jobs);
        memory.Release();
    }

    /// <summary>The application has the results of the second half, submits anew, and waits: it submits nothing when the first half ends.</summary>
    [Fact]
    public void What_was_held_back_by_an_earlier_job_is_looked_at_when_that_one_ends()
    {
        using var positions = new SharedMemoryFile(RingLayout.SizeOf(32));
        var memory = positions.Open(".r0.t0", Owner);
        var ring = Ring.Open(memory, new RingWorld(_files, _buffers, TimeProvider.System, new RecordingLogger(), IsReadOnly: false))!;
        var asked = 0;
        ring.WatchedBy(() => asked++);
        _files.Holds = true;
        Submit(memory, 0, 32);
        ring.Claim(out _);
        _files.Held[1].SetResult();
        Assert.Equal((16, 0), (TakeAll(memory), asked));
        Submit(memory, 32, 16);
        ring.Claim(out _);
        Assert.Equal([16, 16], _files.Jobs);
        _files.Held[0].SetResult();
        Assert.Equal((16, 1), (TakeAll(memory), asked));
        _files.Holds = false;
        ring.Claim(out _);
        Assert.Equal((16, 1), (TakeAll(memory), asked));
        memory.Release();
    }

    [Fact]
    public async Task A_part_of_a_group_goes_out_when_its_time_is_over()
    {
        var (ring, memory) = Open(".r-8.t20");
        using var watcher = new RingWatcher(SubmitSemaphore.Create().Value, "test", _reactor);
        watcher.Add(ring);
        Submit(memory, 0, 3);
        watcher.Semaphore.Post();
        await TakeAsync(memory, 3);
        watcher.Remove(ring);
        memory.Release();
    }

    [Fact]
    public async Task Nonsense_in_the_semaphore_delays_nobody_for_ever()
    {
        var (ring, memory) = Open(".r0.t0");
        using var watcher = new RingWatcher(SubmitSemaphore.Create().Value, "test", _reactor);
        watcher.Add(ring);
        Submit(memory, 0, 1);
        watcher.Semaphore.Post();
        await TakeAsync(memory, 1);
        unsafe
        {
            *(long*)watcher.Semaphore.Word = 0; // nobody seems to wait, and nothing to be posted
        }

        Submit(memory, 1, 2);
        watcher.Semaphore.Post();
        await TakeAsync(memory, 2);
        watcher.Remove(ring);
        memory.Release();
    }

    [Fact]
    public void A_watcher_ends_while_nobody_posts_and_after_its_reactor()
    {
        new RingWatcher(SubmitSemaphore.Create().Value, "idle", _reactor).Dispose();
        var late = new RingWatcher(SubmitSemaphore.Create().Value, "late", _reactor);
        _reactor.Dispose();
        late.Dispose();
    }

    private sealed class Files : IRingFiles, IRingFile
    {
        public bool IsOpen => true;

        public IRingFile? Find(ulong inode, uint uid, bool forRead) => this;

        public List<int> Jobs { get; } = [];

        /// <summary>Jobs wait until they are let go, one by one.</summary>
        public bool Holds { get; set; }

        public List<TaskCompletionSource> Held { get; } = [];

        public IRingReads NewReads(RingFlags flags) => new Reads(this);

        public ValueTask<long> WriteAsync(ulong offset, IoMemory source) => new(source.Length);

        private sealed class Reads(Files files) : IRingReads
        {
            private readonly List<long> _results = [];

            public void Add(IRingFile file, ulong offset, IoMemory destination) => _results.Add(destination.Length);

            public ValueTask RunAsync()
            {
                files.Jobs.Add(_results.Count);
                if (!files.Holds) return default;
                files.Held.Add(new TaskCompletionSource());
                return new ValueTask(files.Held[^1].Task);
            }

            public long ResultOf(int index) => _results[index];

            public void Clear() => _results.Clear();
        }
    }
}
