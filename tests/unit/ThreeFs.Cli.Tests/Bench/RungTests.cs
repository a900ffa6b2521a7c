using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Cli.Bench;

namespace ThreeFs.Cli.Tests.Bench;

/// <summary>Rungs that are made of others, and the memory that operations use.</summary>
public sealed class RungTests
{
    private const int KiB = 1 << 10;

    [Fact]
    public async Task A_large_operation_reaches_a_split_rung_in_parts_that_cross_no_boundary()
    {
        var below = new Recorder();
        var rung = new SplitRung(below, 16 * KiB);
        Assert.Equal(Status.Ok, await rung.ReadAsync(4 * KiB, new IoMemory(1 << 20, 12 * KiB)));
        Assert.Equal([(4 * KiB, (1 << 20, 12 * KiB))], below.Seen);
        below.Seen.Clear();
        Assert.Equal(Status.Ok, await rung.WriteAsync(12 * KiB, new IoMemory(1 << 20, 24 * KiB)));
        Assert.Equal(
            [
                (12 * KiB, (1 << 20, 4 * KiB)), (16 * KiB, ((1 << 20) + 4 * KiB, 16 * KiB)),
                (32 * KiB, ((1 << 20) + 20 * KiB, 4 * KiB)),
            ],
            below.Seen);
    }

    [Fact]
    public async Task A_part_that_fails_fails_the_operation_when_all_have_ended()
    {
        var below = new Recorder { Fails = 16 * KiB };
        Assert.Equal(StatusCode.IoError, (await new SplitRung(below, 16 * KiB).ReadAsync(0, new IoMemory(1 << 20, 64 * KiB))).Code);
        Assert.Equal(4, below.Seen.Count);
    }

    [Fact]
    public async Task Spread_files_are_one_after_the_other()
    {
        var files = new[] { new Recorder(), new Recorder(), new Recorder() };
        var rung = new SpreadRung("spread", files, 16 * KiB);
        Assert.Equal(Status.Ok, await rung.WriteAsync(36 * KiB, new IoMemory(1 << 20, 4 * KiB)));
        Assert.Equal(Status.Ok, await rung.FlushAsync());
        Assert.Equal([0, 0, 1], files.Select(f => f.Seen.Count));
        Assert.Equal([(4 * KiB, (1 << 20, 4 * KiB))], files[2].Seen);
        Assert.All(files, f => Assert.Equal(1, f.Flushes));
    }

    [Theory]
    [InlineData(4 << 10, 128)]
    [InlineData(1 << 20, 128)]
    [InlineData(4 << 20, 32)]
    public void No_two_lanes_share_memory(int size, int lanes)
    {
        using var pool = new BufferPool(128 << 20);
        using var buffers = new LaneBuffers(pool, (long)size * lanes, new SeededRandom(1));
        var addresses = Enumerable.Range(0, lanes).Select(lane => buffers.Of(lane, size).Address).Order().ToArray();
        Assert.All(addresses.Zip(addresses.Skip(1)), pair => Assert.True(pair.Second - pair.First >= size));
        Assert.True(buffers.Of(lanes - 1, size).Span.ContainsAnyExcept((byte)0));
    }

    private sealed class Recorder : IRung
    {
        public string Name => "recorder";

        public long Fails { get; init; } = -1;

        public List<(int Offset, (int Address, int Length) Memory)> Seen { get; } = [];

        public int Flushes { get; private set; }

        public ValueTask<Status> ReadAsync(long offset, IoMemory destination)
        {
            Seen.Add(((int)offset, ((int)destination.Address, destination.Length)));
            return new(offset == Fails ? new Status(StatusCode.IoError, "as told") : Status.Ok);
        }

        public ValueTask<Status> WriteAsync(long offset, IoMemory source) => ReadAsync(offset, source);

        public ValueTask<Status> FlushAsync()
        {
            Flushes++;
            return new(Status.Ok);
        }

        public ValueTask DisposeAsync() => default;
    }
}
