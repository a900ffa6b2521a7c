using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Contracts.Storage;
using ThreeFs.Io;
using ThreeFs.Storage.ChunkEngine;

namespace ThreeFs.Storage.Tests.ChunkEngine;

/// <summary>
/// The engine answers on its owner's thread, also to many who wait for the same fold or flush: state that one thread owns must not
/// be touched by another.
/// </summary>
public sealed class OwnerThreadTests
{
    private const int Writers = 16;

    [Fact]
    public void Writers_that_wait_for_room_and_flushers_that_share_a_flush_go_on_at_home()
    {
        using var target = new RealTarget(new ChunkStoreOptions
        {
            FoldAtOverlayBytes = 64 << 10, MaxOverlayBytes = 128 << 10, FoldAtUpdates = 64,
        });
        target.Run(async () =>
        {
            var home = Reactor.Current!;
            var writers = Enumerable.Range(0, Writers).Select(i => WriteAsync(target, home, (ulong)i)).ToArray();
            foreach (var writer in writers) await writer;
            return true;
        });
    }

    private static async Task WriteAsync(RealTarget target, Reactor home, ulong writer)
    {
        using var lease = target.Pool.TryRent(4096)!;
        var payload = lease.Memory.Slice(0, 4096);
        var crc = Crc32C.Compute(payload.Span);
        var chunk = new ChunkId(new InodeId(1), writer);
        for (uint i = 0; i < 200; i++)
        {
            var update = new ChunkUpdate(chunk, UpdateKind.Write, i % 16 * 4096, 4096, 1 << 20, crc, default, default, new ChainVersion(1));
            var prepared = await target.Store.PrepareAsync(update, payload);
            Assert.Same(home, Reactor.Current);
            Assert.Equal(StatusCode.Ok, prepared.Code);
            var committed = await target.Store.CommitAsync(chunk, prepared.Update, new ChainVersion(1));
            Assert.Same(home, Reactor.Current);
            Assert.Equal(StatusCode.Ok, committed.Code);
            if (i % 50 != 0) continue;
            Assert.Equal(StatusCode.Ok, await target.Store.FlushAsync());
            Assert.Same(home, Reactor.Current);
        }
    }
}
