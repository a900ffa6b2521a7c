using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Contracts.Storage;
using ThreeFs.Storage.ChunkEngine;
using ThreeFs.Storage.ChunkEngine.Device;

namespace ThreeFs.Storage.Tests.ChunkEngine;

/// <summary>One seed of the model test.</summary>
internal sealed class ModelRun
{
    private const int ChunkCount = 6;
    private const int MaxRunning = 8;

    private readonly IoMemory _words;
    private readonly SeededRandom _random;
    private readonly Rig _rig;
    private readonly ModelChunk[] _chunks;
    private readonly List<(Task Task, Action Done)> _running = [];
    private readonly List<(ModelChunk Chunk, uint Offset, ContentPlace Place, uint[] Checksums)> _places = [];

    /// <param name="words">Memory for the words of places, for fewer than there are chunks.</param>
    public ModelRun(ulong seed, IoMemory words)
    {
        _words = words;
        _random = new SeededRandom(seed);
        var options = new ChunkStoreOptions
        {
            MaxInlineBytes = _random.NextBool(0.3) ? 4096 : _random.NextBool(0.1) ? 0 : 32 * 1024,
            FoldAtOverlayBytes = _random.NextBool(0.5) ? 64 * 1024 : 1 << 20,
            MaxOverlayBytes = _random.NextBool(0.5) ? 256 * 1024 : 4 << 20,
            FoldAtUpdates = _random.NextBool(0.5) ? 16 : 1000,
            FoldAtRetiredBytes = _random.NextBool(0.5) ? 1 << 20 : 64 << 20,
            FoldEveryCalls = 3,
            PlaceWords = _words,
        };
        _rig = Rig.Create(_random.NextUInt64(), isStepped: true, options);
        _rig.ChunkSize = _random.NextBool(0.5) ? 128 * 1024u : 512 * 1024u;
        _chunks = Enumerable.Range(0, ChunkCount).Select(i => new ModelChunk(new ChunkId(new InodeId(7), (ulong)i))).ToArray();
    }

    public int StepNumber { get; private set; }

    /// <summary>Reads from places that readers had kept, and that still held at their end, or did not.</summary>
    public (int Good, int Revoked) PlacedReads { get; private set; }

    public void Execute(int steps)
    {
        for (; StepNumber < steps; StepNumber++)
        {
            StepOnce();
            Collect();
        }

        Finish();
    }

    private void StepOnce()
    {
        var roll = _random.Next(1000);
        if (roll < 3) Crash(losesPower: false);
        else if (roll < 6) Crash(losesPower: true);
        else if (roll < 12) StartFlush();
        else if (roll < 40) Track(_rig.Store.MaintainAsync(), AssertOk);
        else if (roll < 44) CheckList();
        else if (_running.Count >= MaxRunning || roll < 500) _rig.Work.Step();
        else if (roll < 620) StartRead();
        else if (roll < 640) KeepPlace();
        else if (roll < 700) StartPlacedRead();
        else StartUpdate();
    }

    private void Track<T>(ValueTask<T> operation, Action<T> done)
    {
        var task = operation.AsTask();
        _running.Add((task, () => done(task.GetAwaiter().GetResult())));
    }

    private void Collect()
    {
        for (var i = 0; i < _running.Count; i++)
        {
            if (!_running[i].Task.IsCompleted) continue;
            var done = _running[i].Done;
            _running.RemoveAt(i--);
            done();
        }
    }

    private static void AssertOk(StatusCode code) => Assert.Equal(StatusCode.Ok, code);

    private void StartUpdate()
    {
        var chunk = _chunks[_random.Next(ChunkCount)];
        if (chunk.IsBusy) return;
        var state = chunk.Current;
        if (state.PendingVersion == 0) StartPrepare(chunk, state);
        else if (_random.NextBool(0.85)) StartCommit(chunk, state);
        else StartDiscard(chunk, state);
    }

    private void StartPrepare(ModelChunk chunk, ModelChunk.State state)
    {
        var kind = state.Committed is null
            ? (UpdateKind)new[] { 1, 1, 1, 2, 4, 5 }[_random.Next(6)]
            : (UpdateKind)new[] { 1, 1, 1, 1, 1, 1, 2, 2, 3, 4, 5 }[_random.Next(11)];
        var length = Size();
        var offset = kind == UpdateKind.Write ? Offset(state.Committed?.Length ?? 0, length) : 0;
        var hasPayload = kind is UpdateKind.Write or UpdateKind.Replace;
        if (kind == UpdateKind.Replace && _random.NextBool(0.1)) length = 0;
        var payload = hasPayload ? _rig.Bytes((int)length) : [];
        var version = kind == UpdateKind.Replace ? state.Version + 1 + (ulong)_random.Next(3) : state.Version + 1;
        var next = state with
        {
            PendingVersion = version,
            Pending = kind == UpdateKind.Remove ? null : ModelChunk.Updated(state.Committed, kind, offset, payload, length),
            PendingRemove = kind == UpdateKind.Remove,
            IsCommit = false,
        };
        var lease = _rig.Pool.TryRent(payload.Length + 4096)!;
        var memory = lease.Memory.Slice(_random.NextBool(0.7) ? 0 : _random.Next(4096), payload.Length);
        payload.CopyTo(memory.Span);
        var update = new ChunkUpdate(
            chunk.Id, kind, offset, length, _rig.ChunkSize, Crc32C.Compute(payload), _rig.NextTag(),
            new UpdateVersion(kind == UpdateKind.Replace || _random.NextBool(0.5) ? version : 0), new ChainVersion(1));
        Begin(chunk, next);
        Track(_rig.Store.PrepareAsync(update, Split(memory)), result =>
        {
            Assert.Equal(StatusCode.Ok, result.Code);
            Assert.Equal(version, result.Update.Value);
            Assert.Equal((uint)(next.Pending?.Length ?? 0), result.ChunkLength);
            if (next.Pending is not null) Assert.Equal(Crc32C.Compute(next.Pending), result.Crc);
            End(chunk, next);
            lease.Memory.Span.Fill(0xDD);
            lease.Dispose();
        });
    }

    private IoSlices Split(IoMemory memory)
    {
        if (memory.Length < 2 || _random.NextBool(0.6)) return memory;
        var at = _random.Next(1, memory.Length);
        return new IoSlices([memory.Slice(0, at), memory.Slice(at)], 2);
    }

    private void StartCommit(ModelChunk chunk, ModelChunk.State state)
    {
        var next = state.PendingRemove
            ? ModelChunk.Nothing with { IsCommit = true }
            : new ModelChunk.State(state.PendingVersion, state.Pending, 0, null, false, IsCommit: true);
        Begin(chunk, next);
        Track(_rig.Store.CommitAsync(chunk.Id, new UpdateVersion(state.PendingVersion), new ChainVersion(2)), result =>
        {
            Assert.Equal(StatusCode.Ok, result.Code);
            Assert.Equal(state.PendingVersion, result.Commit.Value);
            End(chunk, next);
        });
    }

    private void StartDiscard(ModelChunk chunk, ModelChunk.State state)
    {
        var next = state with { PendingVersion = 0, Pending = null, PendingRemove = false, IsCommit = false };
        Begin(chunk, next);
        Track(_rig.Store.DiscardPendingAsync(chunk.Id), code =>
        {
            AssertOk(code);
            End(chunk, next);
        });
    }

    private static void Begin(ModelChunk chunk, ModelChunk.State next)
    {
        chunk.IsBusy = true;
        chunk.InFlight = next;
    }

    private static void End(ModelChunk chunk, ModelChunk.State next)
    {
        chunk.IsBusy = false;
        chunk.InFlight = null;
        chunk.Push(next);
    }

    private void StartRead()
    {
        var chunk = _chunks[_random.Next(ChunkCount)];
        if (chunk.IsBusy && _random.NextBool(0.5)) return;
        var newest = !chunk.IsBusy && _random.NextBool(0.3);
        var state = chunk.Current;

        // What a read sees is fixed when it starts; an operation that is in flight may be through already.
        var expected = newest && state.PendingVersion != 0 ? state.Pending : state.Committed;
        if (!_rig.Store.TryGet(chunk.Id, out var found) && expected is not null && !chunk.IsBusy) Assert.Fail("chunk is missing");
        if (chunk.IsBusy && found.Committed.Version.Value != state.Version) return;
        var offset = (uint)_random.Next((int)_rig.ChunkSize);
        if (_random.NextBool(0.5)) offset &= ~4095u;
        var length = Size();
        var lease = _rig.Pool.TryRent((int)length + 4096)!;
        var memory = lease.Memory.Slice(_random.NextBool(0.7) ? 0 : _random.Next(4096), (int)length);
        Track(_rig.Store.ReadAsync(chunk.Id, offset, length, memory, newest ? ReadContent.Newest : ReadContent.Committed), result =>
        {
            if (expected is null)
            {
                Assert.Equal(StatusCode.ChunkNotFound, result.Code);
            }
            else
            {
                var part = expected.AsSpan((int)Math.Min(offset, expected.Length)..(int)Math.Min(offset + length, expected.Length));
                Assert.Equal(StatusCode.Ok, result.Code);
                Assert.Equal((uint)part.Length, result.Length);
                Assert.True(memory.Span[..part.Length].SequenceEqual(part), $"read of {chunk.Id} at {offset}+{length} differs");
                Assert.Equal(Crc32C.Compute(part), result.Crc);
            }

            lease.Dispose();
        });
    }

    private void KeepPlace()
    {
        var chunk = _chunks[_random.Next(ChunkCount)];
        var offset = (uint)_random.Next((int)_rig.ChunkSize) & ~4095u;
        var checksums = new uint[_random.Next(1, 64)];
        if (_rig.Store.TryGetPlace(chunk.Id, offset, checksums, out var place)) _places.Add((chunk, offset, place, checksums));
    }

    /// <summary>
    /// Reads the device as somebody who was told a place long ago. If its word is still what was told when the device has answered, the bytes are
    /// the committed content of that very moment.
    /// </summary>
    private void StartPlacedRead()
    {
        if (_places.Count == 0) return;
        var index = _random.Next(_places.Count);
        var (chunk, offset, place, checksums) = _places[index];
        var length = place.Units << 12;
        var lease = _rig.Pool.TryRent(length)!;
        var memory = lease.Memory.Slice(0, length);
        Track(_rig.Device.ReadAsync(new BlockClass((byte)(place.File.Inode - 1)), place.Offset, memory), code =>
        {
            AssertOk(code);
            var holds = Holds(place);
            var (good, revoked) = PlacedReads;
            PlacedReads = holds ? (good + 1, revoked) : (good, revoked + 1);
            if (!holds) _places.Remove((chunk, offset, place, checksums));
            else CheckPlaced(chunk, offset, place, checksums, memory.Span);
            lease.Dispose();
        });
    }

    private static void CheckPlaced(ModelChunk chunk, uint offset, ContentPlace place, uint[] checksums, ReadOnlySpan<byte> bytes)
    {
        var content = chunk.Current.Committed;
        Assert.True(content is not null, $"{chunk.Id} is gone, and its place holds");
        Assert.Equal((chunk.Current.Version, (uint)content.Length), (place.Version.Value, place.Length));
        Assert.Equal(0ul, chunk.Current.PendingVersion);
        for (var unit = 0; unit < place.Units; unit++)
        {
            var from = (int)offset + (unit << 12);
            var own = content.AsSpan(from, Math.Min(4096, content.Length - from));
            Assert.True(bytes.Slice(unit << 12, own.Length).SequenceEqual(own), $"unit {unit} at the place of {chunk.Id} differs");
            Assert.Equal(Crc32C.Compute(own), checksums[unit]);
        }
    }

    private static unsafe bool Holds(ContentPlace place) => Volatile.Read(ref *(ulong*)place.Word) == place.Generation;

    private void StartFlush()
    {
        var marks = _chunks.Select(c => c.Mark).ToArray();
        Track(_rig.Store.FlushAsync(), code =>
        {
            AssertOk(code);
            for (var i = 0; i < ChunkCount; i++) _chunks[i].Flushed(marks[i]);
        });
    }

    private void CheckList()
    {
        if (_chunks.Any(c => c.IsBusy)) return;
        var room = new ChunkState[ChunkCount];
        var count = _rig.Store.List(_chunks[0].Id, _chunks[^1].Id, room);
        var expected = _chunks.Where(c => c.Current.Committed is not null || c.Current.PendingVersion != 0).ToArray();
        Assert.Equal(expected.Select(c => c.Id), room.Take(count).Select(s => s.Chunk));
        var last = _rig.Store.QueryLast(_chunks[0].Id.Inode);
        var committed = _chunks.Where(c => c.Current.Committed is not null).ToArray();
        Assert.Equal(committed.Length > 0, last.Exists);
        if (last.Exists) Assert.Equal((committed[^1].Id.Index, (uint)committed[^1].Current.Committed!.Length), (last.Index, last.Length));
    }

    private void Crash(bool losesPower)
    {
        _running.Clear();
        _places.Clear(); // its process's memory is gone
        _rig.Crash(losesPower);
        foreach (var chunk in _chunks)
        {
            _rig.Store.TryGet(chunk.Id, out var found);
            var match = chunk.Allowed(losesPower).FirstOrDefault(s => ModelChunk.Matches(s, found));
            Assert.True(match is not null, $"{chunk.Id} is {found} after a {(losesPower ? "power loss" : "kill")}, allowed are "
                + string.Join("; ", chunk.Allowed(losesPower).Select(s => $"v{s.Version} {s.Committed?.Length} p{s.PendingVersion} {s.Pending?.Length}")));
            chunk.Restarted(match);
            Verify(chunk);
        }

        // What this opening shows must not depend on luck in the next one.
        foreach (var chunk in _chunks) chunk.Restarted(chunk.Current);
    }

    private void Verify(ModelChunk chunk)
    {
        var state = chunk.Current;
        if (state.Committed is not null) CheckBytes(chunk, state.Committed, ReadContent.Committed);
        if (state.Pending is not null) CheckBytes(chunk, state.Pending, ReadContent.Newest);
    }

    private void CheckBytes(ModelChunk chunk, byte[] expected, ReadContent content)
    {
        var (result, bytes) = _rig.Read(0, (uint)expected.Length + 1, content, chunk.Id);
        Assert.Equal(StatusCode.Ok, result.Code);
        Assert.True(bytes.AsSpan(0, expected.Length).SequenceEqual(expected), $"{content} of {chunk.Id} differs");
    }

    private void Finish()
    {
        while (_running.Count > 0)
        {
            Assert.True(_rig.Work.Step() || _running.All(r => r.Task.IsCompleted), "operations hang");
            Collect();
        }

        foreach (var chunk in _chunks) Verify(chunk);
        for (var i = 0; i < 3; i++) Assert.Equal(StatusCode.Ok, _rig.Run(_rig.Store.FoldAsync()));
        foreach (var chunk in _chunks) Verify(chunk);
        var pending = _chunks.Count(c => c.Current.PendingVersion != 0 && !c.Current.PendingRemove);
        Assert.True(_rig.Store.OutstandingBuffers <= pending, "buffers leak");
        var live = _chunks.Count(c => c.Current.Committed is not null || c.Current.Pending is not null);
        Assert.True(live > 0 || _rig.Store.GetSpace().UsedBytes == 0, "blocks leak");
        Assert.Empty(_rig.Corruptions);
        Assert.Empty(_rig.Faults);
    }

    private uint Size() => (uint)Math.Min(_rig.ChunkSize, _random.Next(8) switch
    {
        0 => 1 + _random.Next(100),
        1 => 4096,
        2 => 4096 * (1 + _random.Next(8)),
        3 => 1 + _random.Next(20_000),
        4 => 65_536,
        5 => 1 + _random.Next(100_000),
        6 => 131_072,
        _ => 1 + _random.Next((int)_rig.ChunkSize),
    });

    private uint Offset(int current, uint length)
    {
        var max = _rig.ChunkSize - length;
        var offset = _random.Next(4) switch
        {
            0 => (uint)current,
            1 => (uint)_random.Next((int)_rig.ChunkSize) & ~4095u,
            2 => (uint)Math.Max(0, current - _random.Next(5000)),
            _ => (uint)_random.Next((int)_rig.ChunkSize),
        };
        return Math.Min(offset, max);
    }
}
