using ThreeFs.Base;
using ThreeFs.Kv.Buffering;

namespace ThreeFs.Kv.Tests.Buffering;

public sealed class OrderedByteMapTests
{
    [Theory]
    [InlineData(1, 50)]
    [InlineData(2, 5000)]
    public void Behaves_like_a_sorted_dictionary(ulong seed, int keys)
    {
        var random = new SeededRandom(seed);
        var map = new OrderedByteMap<int>();
        var model = new SortedDictionary<int, int>();
        for (var step = 0; step < 20_000; step++)
        {
            var key = random.Next(keys);
            switch (random.Next(10))
            {
                case < 6:
                    map.GetOrAdd(Key(key), out var existed) = step;
                    Assert.Equal(model.ContainsKey(key), existed);
                    model[key] = step;
                    break;
                case < 9:
                    Assert.Equal(model.Remove(key), map.Remove(Key(key)));
                    break;
                default:
                    var end = key + random.Next(20);
                    map.RemoveRange(Key(key), Key(end));
                    foreach (var gone in model.Keys.Where(k => k >= key && k < end).ToArray()) model.Remove(gone);
                    break;
            }

            if (step % 500 == 0) Compare(map, model);
            Assert.Equal(model.TryGetValue(key, out var expected), map.TryGet(Key(key), out var actual));
            Assert.Equal(expected, actual);
        }

        Compare(map, model);
    }

    [Fact]
    public void Ascending_insertion_fills_chunks_and_stays_in_order()
    {
        var map = new OrderedByteMap<int>();
        for (var i = 0; i < 2000; i++) map.GetOrAdd(Key(i), out _) = i;
        Compare(map, new SortedDictionary<int, int>(Enumerable.Range(0, 2000).ToDictionary(i => i)));
    }

    private static void Compare(OrderedByteMap<int> map, SortedDictionary<int, int> model)
    {
        Assert.Equal(model.Count, map.Count);
        var forward = new List<(int, int)>();
        for (var at = map.AtOrAfter(default); map.IsValid(at); at = map.Next(at))
            forward.Add((Number(map.KeyAt(at)), map.ValueAt(at)));
        Assert.Equal(model.Select(pair => (pair.Key, pair.Value)), forward);
        var backward = new List<int>();
        for (var at = map.Before([0xFF]); map.IsValid(at); at = map.Previous(at)) backward.Add(Number(map.KeyAt(at)));
        Assert.Equal(model.Keys.Reverse(), backward);
    }

    private static byte[] Key(int number) => [(byte)(number >> 16), (byte)(number >> 8), (byte)number];

    private static int Number(byte[] key) => key[0] << 16 | key[1] << 8 | key[2];
}
