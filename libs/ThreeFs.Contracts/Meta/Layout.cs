using ThreeFs.Base;
using ThreeFs.Contracts.Routing;

namespace ThreeFs.Contracts.Meta;

/// <summary>
/// Where a file's chunks live: <see cref="StripeSize"/> chains of a chain table, beginning at <see cref="BaseIndex"/> and
/// shuffled by <see cref="Seed"/>. Fixed when the file is created, so that every client computes placement alone.
/// </summary>
/// <param name="ChunkSize">Bytes of a chunk: a power of two from 64 KiB to 64 MiB.</param>
/// <param name="StripeSize">Chains that the file is spread over, at most the table's size.</param>
/// <param name="BaseIndex">0-based position of the first chain in the table.</param>
/// <param name="Seed">0: chains in table order; otherwise the seed of the shuffle (see <see cref="SeededRandom.Shuffle"/>).</param>
public sealed record Layout(
    ChainTableId Table, ChainTableVersion TableVersion, uint ChunkSize, uint StripeSize, uint BaseIndex, ulong Seed)
{
    public const uint MinChunkSize = 64 << 10;
    public const uint MaxChunkSize = 64 << 20;
    public const uint MaxStripeSize = 1024;

    public bool IsValid =>
        Table.Value != 0 && ChunkSize is >= MinChunkSize and <= MaxChunkSize && (ChunkSize & (ChunkSize - 1)) == 0
        && StripeSize is > 0 and <= MaxStripeSize;
}

/// <summary>A layout resolved against a routing snapshot: which chain holds chunk <c>i</c>. Immutable; cache it with the open file.</summary>
public sealed class Placement
{
    private readonly ChainId[] _chains;
    private readonly int _chunkShift;

    private Placement(Layout layout, ChainId[] chains)
    {
        Layout = layout;
        _chains = chains;
        _chunkShift = System.Numerics.BitOperations.Log2(layout.ChunkSize);
    }

    public Layout Layout { get; }

    /// <summary>The file's chains in stripe order.</summary>
    public ReadOnlySpan<ChainId> Chains => _chains;

    public ChainId ChainOf(ulong chunkIndex) => _chains[(int)(chunkIndex % (ulong)_chains.Length)];
    public ulong ChunkIndexOf(long offset) => (ulong)offset >> _chunkShift;
    public uint OffsetInChunk(long offset) => (uint)(offset & (Layout.ChunkSize - 1));

    /// <summary>Resolves the layout; <see cref="StatusCode.InvalidLayout"/> when the table, its version or its size does not fit.</summary>
    public static Result<Placement> Resolve(Layout layout, RoutingInfo routing)
    {
        if (!layout.IsValid) return new Status(StatusCode.InvalidLayout, $"layout {layout} is not valid");
        var table = routing.ChainTable(layout.Table, layout.TableVersion);
        if (table is null)
        {
            return new Status(StatusCode.ChainTableNotFound,
                $"chain table {layout.Table} version {layout.TableVersion} is not in routing version {routing.Version}");
        }

        var size = table.Chains.Length;
        if (layout.StripeSize > size || layout.BaseIndex >= size)
        {
            return new Status(StatusCode.InvalidLayout, $"layout {layout} does not fit a table of {size} chains");
        }

        var chains = new ChainId[layout.StripeSize];
        for (var i = 0; i < chains.Length; i++) chains[i] = table.Chains[(int)((layout.BaseIndex + (uint)i) % (uint)size)];
        if (layout.Seed != 0) new SeededRandom(layout.Seed).Shuffle(chains.AsSpan());
        return new Placement(layout, chains);
    }
}
