using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Io.Files;

namespace ThreeFs.Io.Tests.Files;

public sealed class DirectFileTests
{
    private const int Unit = 4096;

    [Fact]
    public async Task What_was_written_is_read_back_through_one_piece_and_through_many()
    {
        await using var fixture = new ReactorFixture();
        using var file = DirectFile.Open(fixture.Reactor, fixture.PathOf("data")).Value;
        using var written = fixture.Pool.TryRent(1 << 20)!;
        using var read = fixture.Pool.TryRent(1 << 20)!;
        new SeededRandom(1).NextBytes(written.Memory.Span);

        await fixture.Reactor.InvokeAsync(async () =>
        {
            var pieces = Cut(written.Memory, 3 * Unit);
            Assert.Equal(Status.Ok, await file.WriteAsync(new IoSlices(pieces, pieces.Length), 5 * Unit));
            Assert.Equal(Status.Ok, await file.FdatasyncAsync());
            Assert.Equal(1 << 20, (await file.ReadAsync(read.Memory, 5 * Unit)).Value);
        });
        Assert.True(read.Memory.Span.SequenceEqual(written.Memory.Span));
        Assert.Equal(5 * Unit + (1 << 20), file.GetLength().Value);

        read.Memory.Span.Clear();
        var parts = Cut(read.Memory, 5 * Unit);
        Assert.Equal(1 << 20, (await file.ReadAsync(new IoSlices(parts, parts.Length), 5 * Unit)).Value);
        Assert.True(read.Memory.Span.SequenceEqual(written.Memory.Span));
    }

    [Fact]
    public async Task A_read_is_short_only_at_the_end()
    {
        await using var fixture = new ReactorFixture();
        await File.WriteAllBytesAsync(fixture.PathOf("odd"), new byte[3 * Unit + 100]);
        using var file = DirectFile.Open(fixture.Reactor, fixture.PathOf("odd"), DirectFileMode.Open).Value;
        using var buffer = fixture.Pool.TryRent(4 * Unit)!;
        Assert.Equal(3 * Unit + 100, (await file.ReadAsync(buffer.Memory, 0)).Value);
        Assert.Equal(0, (await file.ReadAsync(buffer.Memory, 4 * Unit)).Value);
    }

    [Fact]
    public async Task A_punched_hole_reads_as_zeros_and_keeps_the_length()
    {
        await using var fixture = new ReactorFixture();
        using var file = DirectFile.Open(fixture.Reactor, fixture.PathOf("hole")).Value;
        using var buffer = fixture.Pool.TryRent(4 * Unit)!;
        Assert.Equal(Status.Ok, await file.AllocateAsync(0, 8 * Unit));
        Assert.Equal(8 * Unit, file.GetLength().Value);
        buffer.Memory.Span.Fill(7);
        Assert.Equal(Status.Ok, await file.WriteAsync(buffer.Memory, 0));
        Assert.Equal(Status.Ok, await file.PunchHoleAsync(Unit, 2 * Unit));
        Assert.Equal(4 * Unit, (await file.ReadAsync(buffer.Memory, 0)).Value);
        Assert.Equal(7, buffer.Memory.Span[Unit - 1]);
        Assert.Equal(-1, buffer.Memory.Slice(Unit, 2 * Unit).Span.IndexOfAnyExcept((byte)0));
        Assert.Equal(7, buffer.Memory.Span[3 * Unit]);
        Assert.Equal(8 * Unit, file.GetLength().Value);
        Assert.Equal(Status.Ok, await file.AllocateAsync(16 * Unit, Unit, keepSize: true));
        Assert.Equal(8 * Unit, file.GetLength().Value);
        Assert.Equal(Status.Ok, file.SetLength(Unit));
        Assert.Equal(Unit, file.GetLength().Value);
    }

    [Fact]
    public async Task Many_operations_in_flight_do_not_mix_their_results()
    {
        await using var fixture = new ReactorFixture();
        using var file = DirectFile.Open(fixture.Reactor, fixture.PathOf("many")).Value;
        const int count = 500;
        await fixture.Reactor.InvokeAsync(async () =>
        {
            await Task.WhenAll(Enumerable.Range(0, count).Select(i => WriteThenRead(i).AsTask()));
        });
        Assert.Equal(0, file.InFlight);

        async ValueTask WriteThenRead(int index)
        {
            using var buffer = fixture.Pool.TryRent(Unit)!;
            buffer.Memory.Span.Fill((byte)(index % 251));
            Assert.Equal(Status.Ok, await file.WriteAsync(buffer.Memory, index * Unit));
            buffer.Memory.Span.Clear();
            Assert.Equal(Unit, (await file.ReadAsync(buffer.Memory, index * Unit)).Value);
            Assert.Equal(-1, buffer.Memory.Span.IndexOfAnyExcept((byte)(index % 251)));
        }
    }

    [Fact]
    public async Task Errors_name_the_file()
    {
        await using var fixture = new ReactorFixture();
        var missing = DirectFile.Open(fixture.Reactor, fixture.PathOf("missing"), DirectFileMode.OpenRead);
        Assert.Equal(StatusCode.NotFound, missing.Code);
        Assert.Contains("missing", missing.Status.Message);

        using var made = DirectFile.Open(fixture.Reactor, fixture.PathOf("made"), DirectFileMode.CreateNew).Value;
        Assert.Equal(StatusCode.AlreadyExists,
            DirectFile.Open(fixture.Reactor, fixture.PathOf("made"), DirectFileMode.CreateNew).Code);

        using var readOnly = DirectFile.Open(fixture.Reactor, fixture.PathOf("made"), DirectFileMode.OpenRead).Value;
        using var buffer = fixture.Pool.TryRent(Unit)!;
        var refused = await readOnly.WriteAsync(buffer.Memory, 0);
        Assert.Equal(StatusCode.IoError, refused.Code);
        Assert.Contains("made", refused.Message);
    }

    [Fact]
    public async Task A_full_device_answers_no_space()
    {
        await using var fixture = new ReactorFixture();
        using var full = DirectFile.Open(fixture.Reactor, "/dev/full", DirectFileMode.Open).Value;
        using var buffer = fixture.Pool.TryRent(Unit)!;
        Assert.Equal(StatusCode.NoSpace, (await full.WriteAsync(buffer.Memory, 0)).Code);
    }

    [Fact]
    public async Task Unaligned_transfers_are_a_defect_of_the_caller()
    {
        await using var fixture = new ReactorFixture();
        using var file = DirectFile.Open(fixture.Reactor, fixture.PathOf("data")).Value;
        using var buffer = fixture.Pool.TryRent(2 * Unit)!;
        Assert.Throws<InvariantException>(() => { _ = file.WriteAsync(buffer.Memory, 512); });
        Assert.Throws<InvariantException>(() => { _ = file.WriteAsync(buffer.Memory.Slice(512, Unit), 0); });
        Assert.Throws<InvariantException>(() => { _ = file.ReadAsync(buffer.Memory.Slice(0, 100), 0); });
        Assert.Equal(0, file.InFlight);
    }

    [Fact]
    public async Task Steady_state_transfers_allocate_nothing()
    {
        await using var fixture = new ReactorFixture();
        using var file = DirectFile.Open(fixture.Reactor, fixture.PathOf("steady")).Value;
        using var buffer = fixture.Pool.TryRent(4 * Unit)!;
        var pieces = Cut(buffer.Memory, Unit);
        await fixture.Reactor.InvokeAsync(async () =>
        {
            for (var i = 0; i < 100; i++) await Round();
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < 200; i++) await Round();
            Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        });

        [System.Runtime.CompilerServices.AsyncMethodBuilder(typeof(Base.Tasks.PooledTaskBuilder<>))]
        async ValueTask<bool> Round()
        {
            var ok = (await file.WriteAsync(buffer.Memory, 0)).IsOk;
            ok &= (await file.WriteAsync(new IoSlices(pieces, pieces.Length), 0)).IsOk;
            return ok & (await file.ReadAsync(buffer.Memory, 0)).IsOk;
        }
    }

    private static IoMemory[] Cut(IoMemory memory, int size)
    {
        var pieces = new List<IoMemory>();
        for (var at = 0; at < memory.Length; at += size) pieces.Add(memory.Slice(at, Math.Min(size, memory.Length - at)));
        return [.. pieces];
    }
}
