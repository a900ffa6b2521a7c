using ThreeFs.Base;
using ThreeFs.Contracts.Storage;
using ThreeFs.Storage.ChunkEngine;

namespace ThreeFs.Storage.Tests.ChunkEngine;

/// <summary>The engine on files and RocksDB.</summary>
public sealed class RealTargetTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Random_updates_survive_closing_and_killing(ulong seed)
    {
        var random = new SeededRandom(seed);
        using var target = new RealTarget(new ChunkStoreOptions { FoldAtUpdates = 40, FoldEveryCalls = 2 });
        var model = new Dictionary<ChunkId, byte[]>();
        var chunks = Enumerable.Range(0, 5).Select(i => new ChunkId(new InodeId(9), (ulong)i)).ToArray();
        for (var step = 0; step < 150; step++)
        {
            var roll = random.Next(100);
            if (roll < 4) Reopen(target, model, chunks, isKill: roll < 2);
            else if (roll < 12) Assert.Equal(StatusCode.Ok, target.Run(() => target.Store.FlushAsync()));
            else if (roll < 25) Assert.Equal(StatusCode.Ok, target.Run(() => target.Store.MaintainAsync()));
            else Update(target, model, chunks[random.Next(chunks.Length)], random, (ulong)step);
        }

        Reopen(target, model, chunks, isKill: false);
        Assert.True(target.Store.WasClosedCleanly);
    }

    private static void Update(
        RealTarget target, Dictionary<ChunkId, byte[]> model, ChunkId chunk, SeededRandom random, ulong sequence)
    {
        var exists = model.TryGetValue(chunk, out var old);
        var kind = (UpdateKind)(exists && random.NextBool(0.05) ? 3 : new[] { 1, 1, 1, 1, 2, 5 }[random.Next(6)]);
        var length = (uint)(random.NextBool(0.5) ? 1 + random.Next(10_000) : 1 + random.Next(1 << 20));
        var offset = kind == UpdateKind.Write ? (uint)random.Next(2 << 20) : 0;
        if (random.NextBool(0.5)) (offset, length) = (offset & ~4095u, (length + 4095) & ~4095u);
        var payload = new byte[kind == UpdateKind.Write ? length : 0];
        random.NextBytes(payload);
        var prepared = target.Prepare(chunk, kind, offset, payload, length, sequence);
        Assert.Equal(StatusCode.Ok, prepared.Code);
        Assert.Equal(StatusCode.Ok, target.Commit(chunk, prepared.Update).Code);
        if (kind == UpdateKind.Remove) model.Remove(chunk);
        else model[chunk] = ModelChunk.Updated(old, kind, offset, payload, length);
    }

    private static void Reopen(RealTarget target, Dictionary<ChunkId, byte[]> model, ChunkId[] chunks, bool isKill)
    {
        if (isKill)
        {
            target.Kill();
        }
        else
        {
            target.Close();
            target.Open();
        }

        foreach (var chunk in chunks)
        {
            if (!target.Store.TryGet(chunk, out var state))
            {
                Assert.False(model.ContainsKey(chunk));
                continue;
            }

            // A commit just before the kill may be found pending.
            if (isKill && state.HasPending) target.Commit(chunk, state.Pending.Version);
            if (!model.TryGetValue(chunk, out var expected))
            {
                Assert.False(target.Store.TryGet(chunk, out _));
                continue;
            }

            var (result, bytes) = target.Read(chunk, 0, (uint)expected.Length + 100);
            Assert.Equal(StatusCode.Ok, result.Code);
            Assert.Equal((uint)expected.Length, result.Length);
            Assert.Equal(Crc32C.Compute(expected), result.Crc);
            Assert.True(bytes.AsSpan(0, expected.Length).SequenceEqual(expected));
        }
    }

    [Fact]
    public void A_damaged_byte_in_a_block_file_is_never_handed_out()
    {
        using var target = new RealTarget();
        var chunk = new ChunkId(new InodeId(1), 0);
        var content = new byte[200_000];
        new SeededRandom(5).NextBytes(content);
        target.Commit(chunk, target.Prepare(chunk, UpdateKind.Write, 0, content, 200_000, 1).Update);
        target.Close();
        using (var file = File.Open(System.IO.Path.Combine(target.Path, "blocks-256KiB"), FileMode.Open))
        {
            file.Position = 123_456;
            file.WriteByte((byte)(content[123_456] ^ 1));
        }

        target.Open();
        Assert.Equal(StatusCode.ChecksumMismatch, target.Read(chunk, 123_000, 1000).Result.Code);
        Assert.Equal(StatusCode.ChecksumMismatch, target.Read(chunk, 0, 200_000).Result.Code);
        Assert.Equal(StatusCode.Ok, target.Read(chunk, 0, 100_000).Result.Code);
    }

    [Fact]
    public void An_index_that_lost_a_file_is_left_as_it_is()
    {
        using var target = new RealTarget();
        var index = System.IO.Path.Combine(target.Path, "index");
        target.Close();
        var files = Directory.GetFiles(index).Order().ToArray();
        File.Move($"{index}/CURRENT", $"{target.Path}/CURRENT");
        var lost = target.TryOpen();
        Assert.Equal(StatusCode.IoError, lost.Code);
        Assert.Contains("CURRENT", lost.Status.Message);
        File.Move($"{target.Path}/CURRENT", $"{index}/CURRENT");
        Assert.Equal(files, Directory.GetFiles(index).Order());
        target.Open();
    }

    [Fact]
    public void Opening_what_is_not_a_target_says_so()
    {
        using var target = new RealTarget();
        target.Close();
        Directory.Delete(target.Path, recursive: true);
        var missing = target.TryOpen();
        Assert.Equal(StatusCode.NotFound, missing.Code);
        Assert.Contains(target.Path, missing.Status.Message);
        Directory.CreateDirectory(System.IO.Path.Combine(target.Path, "index"));
        Assert.Equal(StatusCode.NotFound, target.TryOpen().Code);
    }
}
