namespace ThreeFs.Base.Tests;

public sealed class Crc32CTests
{
    [Fact]
    public void Known_values()
    {
        Assert.Equal(0u, Crc32C.Compute([]));
        Assert.Equal(0xE3069283u, Crc32C.Compute("123456789"u8));

        // RFC 3720, B.4.
        Assert.Equal(0x8A9136AAu, Crc32C.Compute(new byte[32]));
        Assert.Equal(0x62A8AB43u, Crc32C.Compute(Enumerable.Repeat((byte)0xFF, 32).ToArray()));
        Assert.Equal(0x46DD794Eu, Crc32C.Compute(Enumerable.Range(0, 32).Select(i => (byte)i).ToArray()));
        Assert.Equal(0x113FDB5Cu, Crc32C.Compute(Enumerable.Range(0, 32).Select(i => (byte)(31 - i)).ToArray()));
    }

    [Fact]
    public void Every_way_gives_the_tables_sum_for_every_length_and_alignment()
    {
        var random = new SeededRandom(1);
        var data = new byte[4096 + 64];
        random.NextBytes(data);
        for (var length = 0; length <= 1200; length++) Compare(data.AsSpan(length % 64, length), (uint)random.NextUInt64());
        for (var i = 0; i < 500; i++)
        {
            var length = random.Next(4096);
            Compare(data.AsSpan(random.Next(64), length), (uint)random.NextUInt64());
        }
    }

    [Fact]
    public void Long_random_inputs()
    {
        var random = new SeededRandom(2);
        for (var i = 0; i < 20; i++)
        {
            var data = new byte[random.Next(1 << 20)];
            random.NextBytes(data);
            Compare(data, (uint)random.NextUInt64());
        }
    }

    private static void Compare(ReadOnlySpan<byte> data, uint start)
    {
        var expected = Crc32C.UpdateByTable(start, data);
        Assert.Equal(expected, ~Crc32C.Append(~start, data));
        Assert.Equal(expected, Crc32C.UpdateByInstruction(start, data));
        if (Crc32CFolding.IsSupported && data.Length >= 64)
        {
            var rest = data;
            var state = Crc32CFolding.Update(start, ref rest);
            Assert.True(rest.Length < 16);
            Assert.Equal(expected, Crc32C.UpdateByTable(state, rest));
        }

        if (Crc32CFolding.IsWideSupported && data.Length >= 256)
        {
            var rest = data;
            var state = Crc32CFolding.UpdateWide(start, ref rest);
            Assert.True(rest.Length < 64);
            Assert.Equal(expected, Crc32C.UpdateByTable(state, rest));
        }
    }

    [Fact]
    public void Splitting_and_combining_anywhere_gives_the_whole()
    {
        var random = new SeededRandom(3);
        var data = new byte[300_000];
        random.NextBytes(data);
        for (var i = 0; i < 300; i++)
        {
            var length = random.Next(data.Length);
            var split = random.Next(length + 1);
            var whole = Crc32C.Compute(data.AsSpan(0, length));
            var left = Crc32C.Compute(data.AsSpan(0, split));
            var right = Crc32C.Compute(data.AsSpan(split, length - split));
            Assert.Equal(whole, Crc32C.Combine(left, right, length - split));
            Assert.Equal(whole, Crc32C.Append(left, data.AsSpan(split, length - split)));
        }
    }

    [Fact]
    public void Replacing_a_piece_needs_only_the_pieces()
    {
        var random = new SeededRandom(4);
        var data = new byte[100_000];
        random.NextBytes(data);
        var whole = Crc32C.Compute(data);
        for (var i = 0; i < 200; i++)
        {
            var start = random.Next(data.Length);
            var length = random.Next(data.Length - start);
            var piece = data.AsSpan(start, length);
            var before = Crc32C.Compute(piece);
            random.NextBytes(piece);
            whole = Crc32C.Replace(whole, before, Crc32C.Compute(piece), data.Length - start - length);
            Assert.Equal(Crc32C.Compute(data), whole);
        }
    }

    [Fact]
    public void Zeros_need_no_memory()
    {
        foreach (var length in new[] { 0, 1, 7, 4096, 4097, 1 << 20 })
            Assert.Equal(Crc32C.Compute(new byte[length]), Crc32C.OfZeros(length));

        // More than memory holds: from its halves.
        const long huge = 1L << 45;
        Assert.Equal(Crc32C.Combine(Crc32C.OfZeros(huge), Crc32C.OfZeros(huge), huge), Crc32C.OfZeros(2 * huge));
    }

    [Fact]
    public void Both_ways_of_shifting_agree()
    {
        var random = new SeededRandom(5);
        for (var i = 0; i < 1000; i++)
        {
            var crc = (uint)random.NextUInt64();
            var bytes = (long)(random.NextUInt64() >> random.Next(1, 64));
            Assert.Equal(Crc32CPowers.ShiftByTable(crc, bytes), Crc32CPowers.Shift(crc, bytes));
        }
    }
}
