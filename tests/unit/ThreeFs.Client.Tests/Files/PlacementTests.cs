using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Contracts.Routing;

namespace ThreeFs.Client.Tests.Files;

/// <summary>
/// Where chunks lie is part of what is stored: these vectors were computed by another program from the documented
/// algorithm and must never change.
/// </summary>
public sealed class PlacementTests
{
    private static readonly RoutingInfo _routing = new(
        new RoutingVersion(1), [], [], [],
        [new ChainTable(new ChainTableId(1), new ChainTableVersion(1),
            [.. Enumerable.Range(100, 12).Select(c => new ChainId((uint)c))], "")]);

    private static Layout Layout(uint baseIndex, uint stripe, ulong seed) =>
        new(new ChainTableId(1), new ChainTableVersion(1), 1 << 20, stripe, baseIndex, seed);

    [Theory]
    [InlineData(0, 4, 0ul, new uint[] { 100, 101, 102, 103 })]
    [InlineData(10, 5, 0ul, new uint[] { 110, 111, 100, 101, 102 })]
    [InlineData(0, 8, 1ul, new uint[] { 107, 100, 101, 104, 103, 102, 106, 105 })]
    [InlineData(3, 12, 42ul, new uint[] { 103, 102, 106, 111, 105, 101, 104, 107, 108, 100, 110, 109 })]
    [InlineData(7, 6, ulong.MaxValue, new uint[] { 108, 100, 110, 109, 111, 107 })]
    [InlineData(11, 2, 7ul, new uint[] { 100, 111 })]
    public void Chains_of_a_layout(uint baseIndex, uint stripe, ulong seed, uint[] expected)
    {
        var placement = Placement.Resolve(Layout(baseIndex, stripe, seed), _routing).Value;
        Assert.Equal(expected, placement.Chains.ToArray().Select(c => c.Value));
        for (var chunk = 0ul; chunk < 100; chunk++)
            Assert.Equal(expected[(int)(chunk % stripe)], placement.ChainOf(chunk).Value);
    }

    [Fact]
    public void Offsets_of_a_layout()
    {
        var placement = Placement.Resolve(Layout(0, 4, 0), _routing).Value;
        Assert.Equal((0ul, 0u), (placement.ChunkIndexOf(0), placement.OffsetInChunk(0)));
        Assert.Equal((0ul, (1u << 20) - 1),
            (placement.ChunkIndexOf((1 << 20) - 1), placement.OffsetInChunk((1 << 20) - 1)));
        Assert.Equal((1ul, 0u), (placement.ChunkIndexOf(1 << 20), placement.OffsetInChunk(1 << 20)));
        Assert.Equal((ulong)(long.MaxValue >> 20), placement.ChunkIndexOf(long.MaxValue));
    }

    [Fact]
    public void Layout_that_does_not_fit_its_table_is_refused()
    {
        Assert.Equal(StatusCode.InvalidLayout, Placement.Resolve(Layout(0, 13, 0), _routing).Code);
        Assert.Equal(StatusCode.InvalidLayout, Placement.Resolve(Layout(12, 1, 0), _routing).Code);
        Assert.Equal(StatusCode.InvalidLayout,
            Placement.Resolve(Layout(0, 4, 0) with { ChunkSize = 1000 }, _routing).Code);
        Assert.Equal(StatusCode.ChainTableNotFound,
            Placement.Resolve(Layout(0, 4, 0) with { TableVersion = new ChainTableVersion(2) }, _routing).Code);
    }
}
