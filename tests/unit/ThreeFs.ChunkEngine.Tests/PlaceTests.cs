using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Contracts.Storage;
using ThreeFs.Storage.ChunkEngine;
using ThreeFs.Storage.ChunkEngine.Device;

namespace ThreeFs.Storage.Tests.ChunkEngine;

/// <summary>Places that readers keep: what they are told, and that no change of a chunk goes unseen.</summary>
public sealed class PlaceTests : IDisposable
{
    private const int Words = 4;

    private static readonly uint[] _checksums = new uint[256];

    private readonly BufferPool _memory = new(1 << 20);
    private readonly BufferLease _words;
    private readonly Rig _rig;

    public PlaceTests()
    {
        _words = _memory.TryRent(4096)!;
        _rig = Rig.Create(options: new ChunkStoreOptions { PlaceWords = _words.Memory.Slice(0, Words * sizeof(ulong)) });
    }

    public void Dispose()
    {
        _words.Dispose();
        _memory.Dispose();
    }

    private ContentPlace? Find(ChunkId? chunk = null, uint offset = 0) =>
        _rig.Store.TryGetPlace(chunk ?? Rig.Chunk, offset, _checksums, out var place) ? place : null;

    private static unsafe bool Holds(ContentPlace place) => Volatile.Read(ref *(ulong*)place.Word) == place.Generation;

    private static ChunkId Chunk(int i) => new(new InodeId(9), (ulong)i);

    [Fact]
    public void A_place_is_the_committed_bytes_and_their_checksums()
    {
        var content = _rig.Bytes(100_000);
        _rig.Write(0, content);
        _rig.Run(_rig.Store.FoldAsync());
        var place = Find(offset: 8192)!.Value;
        Assert.Equal((100_000u, 23, 1ul), (place.Length, place.Units, place.Version.Value));
        using var lease = _rig.Pool.TryRent(23 * 4096)!;
        var bytes = lease.Memory.Slice(0, 23 * 4096);
        Assert.Equal(StatusCode.Ok, _rig.Run(_rig.Device.ReadAsync(new BlockClass((byte)(place.File.Inode - 1)), place.Offset, bytes)));
        Assert.Equal(content[8192..], bytes.Span[..(100_000 - 8192)].ToArray());
        for (var i = 0; i < 23; i++)
        {
            var from = 8192 + i * 4096;
            Assert.Equal(Crc32C.Compute(content.AsSpan(from, Math.Min(4096, content.Length - from))), _checksums[i]);
        }

        Assert.True(Holds(place));
        Assert.Equal(place, Find(offset: 8192));
    }

    [Theory]
    [InlineData(UpdateKind.Write, 4096u, 100)]
    [InlineData(UpdateKind.Write, 0u, 90_000)]
    [InlineData(UpdateKind.Write, 100_000u, 5000)]
    [InlineData(UpdateKind.Truncate, 0u, 0)]
    [InlineData(UpdateKind.Extend, 0u, 0)]
    [InlineData(UpdateKind.Remove, 0u, 0)]
    [InlineData(UpdateKind.Replace, 0u, 4096)]
    public void Every_update_is_seen_before_it_is_answered(UpdateKind kind, uint offset, int payload)
    {
        _rig.Write(0, _rig.Bytes(100_000));
        _rig.Run(_rig.Store.FoldAsync());
        var place = Find()!.Value;
        var prepared = _rig.Prepare(kind, offset, _rig.Bytes(payload), length: kind == UpdateKind.Extend ? 120_000u : 50_000, version: 2);
        Assert.Equal(StatusCode.Ok, prepared.Code);
        Assert.False(Holds(place));
        Assert.Null(Find()); // as long as it is pending
        _rig.Commit(prepared);
        Assert.False(Holds(place));
    }

    [Fact]
    public void A_discarded_update_leaves_the_old_content_and_a_new_word()
    {
        _rig.Write(0, _rig.Bytes(100_000));
        _rig.Run(_rig.Store.FoldAsync());
        var before = Find()!.Value;
        _rig.Prepare(UpdateKind.Write, 0, _rig.Bytes(4096));
        Assert.Equal(StatusCode.Ok, _rig.Run(_rig.Store.DiscardPendingAsync(Rig.Chunk)));
        var after = Find()!.Value;
        Assert.False(Holds(before));
        Assert.True(Holds(after));
        Assert.Equal((before.Offset, before.Version), (after.Offset, after.Version));
    }

    [Fact]
    public void What_has_to_be_read_by_the_engine_has_no_place()
    {
        Assert.Null(Find());
        _rig.Write(0, _rig.Bytes(100_000));
        _rig.Run(_rig.Store.FoldAsync());
        Assert.Null(Find(offset: 1));
        Assert.Null(Find(offset: 102_400));
        _rig.Write(8192, _rig.Bytes(4096)); // waits in memory to be folded
        Assert.Null(Find());
        var behind = Find(offset: 16384)!.Value;
        _rig.Run(_rig.Store.FoldAsync());
        Assert.True(Holds(behind));
        Assert.NotNull(Find());
        Assert.Null(Rig.Create().Store.TryGetPlace(Rig.Chunk, 0, _checksums, out var none) ? none : null);
    }

    [Fact]
    public void Who_had_a_word_longest_loses_it_to_another()
    {
        for (var i = 0; i <= Words; i++) _rig.Apply(UpdateKind.Write, 0, _rig.Bytes(65536), chunk: Chunk(i));
        _rig.Run(_rig.Store.FoldAsync());
        var places = Enumerable.Range(0, Words + 1).Select(i => Find(Chunk(i))!.Value).ToArray();
        Assert.Equal(places[0].Word, places[Words].Word);
        Assert.Equal([false, true, true, true, true], places.Select(Holds));
        Assert.True(Holds(Find(Chunk(0))!.Value));
    }

    [Fact]
    public void All_are_revoked_at_once_and_at_the_end()
    {
        for (var i = 0; i < 3; i++) _rig.Apply(UpdateKind.Write, 0, _rig.Bytes(65536), chunk: Chunk(i));
        _rig.Run(_rig.Store.FoldAsync());
        var first = Enumerable.Range(0, 3).Select(i => Find(Chunk(i))!.Value).ToArray();
        _rig.Store.RevokePlaces();
        var second = Enumerable.Range(0, 3).Select(i => Find(Chunk(i))!.Value).ToArray();
        Assert.All(first, p => Assert.False(Holds(p)));
        Assert.All(second, p => Assert.True(Holds(p)));
        _rig.Close();
        Assert.All(second, p => Assert.False(Holds(p)));
    }
}
