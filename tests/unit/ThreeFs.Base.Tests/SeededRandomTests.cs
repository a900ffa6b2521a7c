namespace ThreeFs.Base.Tests;

/// <summary>The sequence is part of what is stored (chain shuffles): these values never change.</summary>
public sealed class SeededRandomTests
{
    [Fact]
    public void The_sequence_of_a_seed_is_this()
    {
        var random = new SeededRandom(42);
        ulong[] expected =
        [
            0x15780B2E0C2EC716, 0x6104D9866D113A7E, 0xAE17533239E499A1,
            0xECB8AD4703B360A1, 0xFDE6DC7FE2EC5E64, 0xC50DA53101795238,
        ];
        Assert.Equal(expected, Enumerable.Range(0, 6).Select(_ => random.NextUInt64()));
        var zero = new SeededRandom(0);
        Assert.Equal(new ulong[] { 0x99EC5F36CB75F2B4, 0xBF6E1F784956452A, 0x1A5F849D4933E6E0 }, Enumerable.Range(0, 3).Select(_ => zero.NextUInt64()));
    }

    [Fact]
    public void The_shuffle_of_a_seed_is_this()
    {
        var items = Enumerable.Range(0, 16).ToArray();
        new SeededRandom(7).Shuffle(items.AsSpan());
        Assert.Equal([3, 11, 12, 4, 15, 9, 5, 0, 7, 6, 1, 13, 2, 8, 14, 10], items);
    }

    [Fact]
    public void Bounded_values_are_in_range_and_hit_everything()
    {
        var random = new SeededRandom(1);
        var seen = new int[10];
        for (var i = 0; i < 10_000; i++) seen[random.Next(10)]++;
        Assert.All(seen, count => Assert.InRange(count, 800, 1200));
        for (var i = 0; i < 1000; i++)
        {
            Assert.InRange(random.Next(-5, 5), -5, 4);
            Assert.InRange(random.NextDouble(), 0, 0.9999999999999999);
            Assert.True(random.NextBelow(ulong.MaxValue) < ulong.MaxValue);
        }

        Assert.Throws<InvariantException>(() => random.Next(0));
    }

    [Fact]
    public void Bytes_are_those_of_the_words_and_a_fork_goes_its_own_way()
    {
        var words = new SeededRandom(9);
        var expected = new byte[16];
        BitConverter.TryWriteBytes(expected, words.NextUInt64());
        BitConverter.TryWriteBytes(expected.AsSpan(8), words.NextUInt64());
        var bytes = new byte[11];
        new SeededRandom(9).NextBytes(bytes);
        Assert.Equal(expected[..11], bytes);

        var parent = new SeededRandom(9);
        var fork = parent.Fork();
        Assert.NotEqual(parent.NextUInt64(), fork.NextUInt64());
        Assert.NotEqual(Guid.Empty, fork.NextGuid());
    }
}
