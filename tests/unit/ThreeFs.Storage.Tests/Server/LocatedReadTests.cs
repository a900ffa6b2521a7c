using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Contracts.Storage;
using ThreeFs.Storage.Targets;
using ThreeFs.Transport;

namespace ThreeFs.Storage.Tests.Server;

/// <summary>Places of bytes that a real server tells: who gets them, and that they are not held for ever.</summary>
public sealed class LocatedReadTests
{
    private const int Length = 256 * 1024;

    private static readonly ChunkId _chunk = new(new InodeId(1), 0);

    /// <summary>Asks for the place of the chunk's bytes; the path, or null when the bytes came instead.</summary>
    private static Task<string?> AskAsync(ServedChain chain, BufferPool pool) => chain.Reactor.InvokeAsync(async () =>
    {
        using var buffer = pool.TryRent(Length)!;
        var header = new byte[StorageCodec.ReadRequestSize(1)];
        StorageCodec.WriteReadPreamble(header, ReadFlags.MayLocate, 1);
        StorageCodec.Write(header.AsSpan(StorageCodec.PreambleSize), new ReadOp(ServedChain.Chain, _chunk, 0, Length));
        using var answer = await chain.Head.CallAsync(new Call
        {
            Method = (ushort)StorageMethod.Read, Header = header, ReceivePayload = buffer.Memory.Slice(0, Length),
        });
        Assert.True(answer.IsOk);
        Assert.Equal(StatusCode.Ok, StorageCodec.ReadReadResult(answer.Header).Code);
        if (!ContentLocation.TryRead(answer.Header, out var location)) return null;
        Assert.Equal(0, answer.PayloadLength);
        return System.Text.Encoding.UTF8.GetString(location.Path);
    });

    /// <summary>An update of the chunk, and the fold that would reuse its memory; on the target's thread.</summary>
    private static Task<StatusCode> FoldAsync(Replica replica, ChainLoad load)
    {
        load.Write(1, 4096, 4);
        var folded = new TaskCompletionSource<StatusCode>(TaskCreationOptions.RunContinuationsAsynchronously);
        replica.Services.Executor.Post(_ => Fold(), null);
        return folded.Task;

        async void Fold() => folded.SetResult(await replica.Store.FoldAsync());
    }

    [Fact]
    public async Task A_place_that_is_not_given_back_is_held_for_a_time()
    {
        await using var chain = await ServedChain.StartAsync(1, 1, TransportChoice.Shm);
        using var load = new ChainLoad(chain);
        using var pool = new BufferPool(1 << 20);
        load.Fill();
        var asked = TimeProvider.System.GetTimestamp();
        Assert.True(File.Exists(await AskAsync(chain, pool)));
        Assert.Equal(StatusCode.Ok, await FoldAsync(chain.Replicas.Single(), load));
        Assert.True(TimeProvider.System.GetElapsedTime(asked) >= ContentLocation.HoldTime);
    }

    [Fact]
    public async Task A_place_is_free_when_its_client_is_gone()
    {
        await using var chain = await ServedChain.StartAsync(1, 1, TransportChoice.Shm);
        using var load = new ChainLoad(chain);
        using var pool = new BufferPool(1 << 20);
        load.Fill();
        for (var i = 0; i < 300; i++) await AskAsync(chain, pool);
        load.Write(1, 4096, 4); // for the fold to have something to wait with
        await chain.Reactor.InvokeAsync(() => chain.Head.DisposeAsync());
        var replica = chain.Replicas.Single();
        var folded = new TaskCompletionSource<StatusCode>(TaskCreationOptions.RunContinuationsAsynchronously);
        replica.Services.Executor.Post(async _ => folded.SetResult(await replica.Store.FoldAsync()), null);
        Assert.Equal(StatusCode.Ok, await folded.Task);
    }

    [Fact]
    public async Task One_client_holds_so_many_and_no_more()
    {
        await using var chain = await ServedChain.StartAsync(1, 1, TransportChoice.Shm);
        using var load = new ChainLoad(chain);
        using var pool = new BufferPool(1 << 20);
        load.Fill();
        var told = 0;
        for (var i = 0; i < 257; i++) told += await AskAsync(chain, pool) is null ? 0 : 1;
        Assert.Equal(256, told);
    }

    [Fact]
    public async Task Nobody_is_told_a_place_over_TCP()
    {
        await using var chain = await ServedChain.StartAsync(1, 1);
        using var load = new ChainLoad(chain);
        using var pool = new BufferPool(1 << 20);
        load.Fill();
        Assert.Null(await AskAsync(chain, pool));
    }
}
