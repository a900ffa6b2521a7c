using ThreeFs.Base;
using ThreeFs.Kv.Buffering;

namespace ThreeFs.Kv.Tests.Buffering;

public sealed class RangeSetTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Behaves_like_a_set_of_points(ulong seed)
    {
        // Points are x and x.0 of 40 letters, so that single keys and ranges between letters differ.
        var points = Enumerable.Range(0, 40).SelectMany(i => new byte[][] { [(byte)i], [(byte)i, 0] }).ToArray();
        var random = new SeededRandom(seed);
        for (var round = 0; round < 200; round++)
        {
            var set = new RangeSet();
            var model = new bool[points.Length];
            for (var i = 0; i < 15; i++)
            {
                var (from, to) = (random.Next(points.Length), random.Next(points.Length));
                if (random.NextBool(0.4))
                {
                    set.AddKey(points[from]);
                    model[from] = true;
                }
                else
                {
                    set.Add(points[from], points[to]);
                    for (var p = from; p < to; p++) model[p] = true;
                }
            }

            for (var p = 0; p < points.Length; p++) Assert.Equal(model[p], set.Contains(points[p]));
            for (var i = 0; i < 50; i++)
            {
                var (from, to) = (random.Next(points.Length), random.Next(points.Length));
                var expected = from < to && model.AsSpan(from..to).Contains(true);
                Assert.True(
                    expected == set.Intersects(points[from], points[to]),
                    $"seed {seed}, round {round}: [{from}, {to})");
            }

            var intervals = set.ToList();
            for (var i = 1; i < intervals.Count; i++)
                Assert.True(
                    intervals[i - 1].End.AsSpan().SequenceCompareTo(intervals[i].Begin) < 0,
                    "disjoint, ordered, not touching");
        }
    }
}
