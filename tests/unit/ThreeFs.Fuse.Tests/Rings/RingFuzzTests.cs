using System.Runtime.InteropServices;
using ThreeFs.Base.Memory;
using ThreeFs.Fuse.Rings;
using ThreeFs.Fuse.Tests.Support;
using ThreeFs.UsrbIo;

namespace ThreeFs.Fuse.Tests.Rings;

/// <summary>
/// Applications that write anything at all into their ring, and cut it, while the mount works on it. The judge is the file:
/// every operation that reaches it must lie in a buffer of the ring's own user, and be one for the ring's own direction.
/// </summary>
[Collection(nameof(SharedArena))]
public sealed class RingFuzzTests
{
    private const uint Honest = 1000, Hostile = 1001;
    private const int BufferSize = 16 * 4096;

    [Theory]
    [InlineData(".r0.t0")]
    [InlineData(".w0.t0")]
    [InlineData(".r-3.t1")]
    [InlineData(".w-1.t0")]
    [InlineData(".r5.t0")]
    public void Nothing_written_into_a_ring_reaches_others(string decoration)
    {
        for (var seed = 1; seed <= 60; seed++) RunOne(decoration, new Random(seed), $"{decoration}, seed {seed}");
    }

    private static void RunOne(string decoration, Random random, string run)
    {
        var files = new FakeFiles(random);
        var buffers = new BufferTable();
        using var honestMemory = new SharedMemoryFile(BufferSize);
        using var hostileMemory = new SharedMemoryFile(BufferSize);
        using var ringMemory = new SharedMemoryFile(RingLayout.SizeOf(random.Next(1, 40)));
        var honest = honestMemory.Open(owner: Honest);
        var hostile = hostileMemory.Open(random.Next(2) == 0 ? "" : ".b8192", Hostile);
        Assert.True(buffers.TryAdd(honest) && buffers.TryAdd(hostile));
        files.Allow(hostile);
        var memory = ringMemory.Open(decoration, Hostile);
        var world = new RingWorld(files, buffers, TimeProvider.System, new RecordingLogger(), IsReadOnly: false);
        if (Ring.Open(memory, world) is { } ring)
        {
            BufferId[] ids = [hostile.Key.Id, hostile.Key.Id, honest.Key.Id, memory.Key.Id, default];
            for (var step = 0; step < 300; step++)
            {
                Scribble(memory, random, ids);
                if (random.Next(100) == 0) ringMemory.Cut(random.Next((int)memory.Size));
                if (random.Next(200) == 0) hostileMemory.Cut(random.Next(BufferSize));
                ring.Claim(out _);
                if (random.Next(3) == 0) files.CompleteSome();
            }

            files.CompleteAll();
            Assert.True(files.Failures.Count == 0, $"{run}: {string.Join("; ", files.Failures)}");
        }

        // Nobody holds on to anything: what is released now is unmapped.
        memory.Release();
        buffers.Remove(honest);
        buffers.Remove(hostile);
        Assert.False(memory.TryAcquire() || honest.TryAcquire() || hostile.TryAcquire(), $"{run}: a buffer is still in use");
    }

    /// <summary>Mostly what an application might write, at places that matter; sometimes anything anywhere.</summary>
    private static unsafe void Scribble(SharedBuffer memory, Random random, BufferId[] ids)
    {
        Assert.True(RingLayout.TryOf(memory.Size, out var layout));
        var operations = (RingOperation*)(memory.Address + RingLayout.HeaderSize);
        var submissions = (RingSubmission*)(memory.Address + layout.SubmissionsOffset);
        var words = (int*)memory.Address;
        for (var i = random.Next(4); i >= 0; i--)
        {
            var slot = random.Next(layout.Slots);
            operations[slot] = new RingOperation
            {
                Buffer = ids[random.Next(ids.Length)],
                BufferOffset = Number(random, BufferSize),
                Inode = (ulong)random.Next(3),
                FileOffset = Number(random, 1 << 20),
                Length = Number(random, BufferSize),
                UserData = (ulong)random.NextInt64(),
            };
            submissions[random.Next(layout.Slots)].Index = random.Next(8) == 0 ? random.Next(int.MinValue, int.MaxValue) : slot;
        }

        switch (random.Next(12))
        {
            case < 8: words[0] = (words[0] + random.Next(layout.Slots)) % layout.Slots; break;
            case 8: words[random.Next(4)] = random.Next(int.MinValue, int.MaxValue); break;
            case 9: words[3] = words[2]; break;
            case 10: random.NextBytes(new Span<byte>(memory.Address + layout.SemaphoreOffset, RingLayout.SemaphoreSize)); break;
            default: random.NextBytes(new Span<byte>(memory.Address + random.Next((int)memory.Size - 64), 64)); break;
        }
    }

    private static ulong Number(Random random, int limit) => random.Next(10) switch
    {
        0 => ulong.MaxValue - (ulong)random.Next(limit),
        1 => (ulong)long.MaxValue + (ulong)random.Next(4),
        2 => (ulong)random.NextInt64(),
        3 => 0,
        _ => (ulong)random.Next(limit),
    };

    /// <summary>File 1 is open; it takes operations and completes them when it is told to.</summary>
    private sealed class FakeFiles(Random random) : IRingFiles, IRingFile
    {
        private readonly List<TaskCompletionSource> _waiting = [];
        private nint _first, _end;

        public List<string> Failures { get; } = [];

        public bool IsOpen => random.Next(50) != 0;

        public unsafe void Allow(SharedBuffer buffer) =>
            (_first, _end) = ((nint)buffer.Address, (nint)buffer.Address + (nint)buffer.Size);

        public IRingFile? Find(ulong inode, uint uid, bool forRead)
        {
            if (uid != Hostile) Failures.Add($"a file was looked for as user {uid}");
            return inode == 1 ? this : null;
        }

        public IRingReads NewReads(RingFlags flags) => new Reads(this);

        public async ValueTask<long> WriteAsync(ulong offset, IoMemory source)
        {
            Judge(offset, source);
            await CompletionAsync();
            return source.Length;
        }

        public void Judge(ulong offset, IoMemory memory)
        {
            if (offset > long.MaxValue) Failures.Add($"offset {offset}");
            if (memory.Address < _first || memory.Address + memory.Length > _end) Failures.Add("memory outside the buffer");
            if (random.Next(2) == 0) memory.Span.Fill(1);
        }

        public Task CompletionAsync()
        {
            if (random.Next(2) == 0) return Task.CompletedTask;
            var waiting = new TaskCompletionSource();
            _waiting.Add(waiting);
            return waiting.Task;
        }

        public void CompleteSome()
        {
            foreach (ref var waiting in CollectionsMarshal.AsSpan(_waiting))
            {
                if (random.Next(2) == 0) waiting.TrySetResult();
            }

            _waiting.RemoveAll(w => w.Task.IsCompleted);
        }

        public void CompleteAll()
        {
            while (_waiting.Count > 0) CompleteSome();
        }

        private sealed class Reads(FakeFiles files) : IRingReads
        {
            private readonly List<long> _results = [];

            public void Add(IRingFile file, ulong offset, IoMemory destination)
            {
                files.Judge(offset, destination);
                _results.Add(destination.Length);
            }

            public async ValueTask RunAsync()
            {
                if (_results.Count > 0) await files.CompletionAsync();
            }

            public long ResultOf(int index) => _results[index];

            public void Clear() => _results.Clear();
        }
    }
}
