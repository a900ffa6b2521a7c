using ThreeFs.Base;
using ThreeFs.Contracts.Routing;
using ThreeFs.Contracts.Storage;
using ThreeFs.Storage.Targets;
using ThreeFs.Transport;

namespace ThreeFs.Storage.Tests.Server;

/// <summary>Places that a real server lets clients keep, over memory that both see.</summary>
public sealed class PlaceTests
{
    private static readonly ChunkId _chunk = new(new InodeId(1), 0);
    private static readonly ReadOp _whole = new(ServedChain.Chain, _chunk, 0, 1 << 20);

    private sealed record Told(StatusCode Code, TimeSpan Valid, long Word, ulong Generation, string Path, long Offset, uint[] Checksums);

    private static Task<(Status Status, Told[] Places)> AskAsync(ServedChain chain, params ReadOp[] ops) => chain.Reactor.InvokeAsync(async () =>
    {
        var header = new byte[StorageCodec.ReadRequestSize(ops.Length)];
        StorageCodec.WritePreamble(header, 0, (ushort)ops.Length);
        for (var i = 0; i < ops.Length; i++) StorageCodec.Write(header.AsSpan(StorageCodec.ReadRequestSize(i)), ops[i]);
        using var answer = await chain.Head.CallAsync(new Call { Method = (ushort)StorageMethod.Places, Header = header });
        var told = new List<Told>();
        var checksums = new uint[ChunkPlace.MaxUnits];
        for (var rest = answer.Header; ChunkPlace.TryRead(ref rest, checksums, out var place);)
        {
            told.Add(new Told(
                place.Code, place.Valid, place.Word, place.Generation, System.Text.Encoding.UTF8.GetString(place.Path), place.Offset,
                place.Checksums.ToArray()));
        }

        return (answer.Status, told.ToArray());
    });

    private static Task<bool> HoldsAsync(ServedChain chain, Told place) => chain.Reactor.InvokeAsync(() =>
        ValueTask.FromResult(chain.Head.LocalFiles!.WordAt(place.Word) == place.Generation));

    private static Task<bool> IsAliveAsync(ServedChain chain) => chain.Reactor.InvokeAsync(() =>
        ValueTask.FromResult(chain.Head.LocalFiles!.IsServerAlive()));

    private static async Task OnTargetAsync(Replica replica, Action<Replica> action)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        replica.Services.Executor.Post(
            _ =>
            {
                action(replica);
                done.SetResult();
            },
            null);
        await done.Task;
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_place_holds_until_the_chunk_is_updated(int reactors)
    {
        await using var chain = await ServedChain.StartAsync(1, reactors, TransportChoice.Shm);
        using var load = new ChainLoad(chain);
        load.Fill();
        var (status, places) = await AskAsync(chain, _whole, _whole with { Length = 0 });
        Assert.True(status.IsOk);
        Assert.Equal([StatusCode.Ok, StatusCode.Ok], places.Select(p => p.Code));
        Assert.All(places, p => Assert.Equal(ContentLocation.HoldTime, p.Valid));
        var place = places[0];
        Assert.Empty(places[1].Checksums);
        Assert.Equal(256, place.Checksums.Length);
        var unit = new byte[4096];
        using (var file = File.OpenHandle(place.Path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite))
            Assert.Equal(unit.Length, RandomAccess.Read(file, unit, place.Offset + 5 * 4096));
        Assert.Equal(place.Checksums[5], Crc32C.Compute(unit));
        Assert.True(await HoldsAsync(chain, place) && await IsAliveAsync(chain));
        load.Write(1, 4096, 1);
        Assert.False(await HoldsAsync(chain, place));
        Assert.True(await HoldsAsync(chain, (await AskAsync(chain, _whole with { Chunk = new ChunkId(new InodeId(2), 1) })).Places[0]));
    }

    [Fact]
    public async Task A_target_that_does_not_serve_any_more_says_so()
    {
        await using var chain = await ServedChain.StartAsync(1, 1, TransportChoice.Shm);
        using var load = new ChainLoad(chain);
        load.Fill();
        var replica = chain.Replicas.Single();
        foreach (var change in new Action<Replica>[]
        {
            r => r.Apply(RoutingOf(r, TargetState.Serving, 3)),
            r => r.Apply(RoutingOf(r, TargetState.Offline, 4)),
        })
        {
            var place = (await AskAsync(chain, _whole)).Places.Single();
            Assert.True(await HoldsAsync(chain, place));
            await OnTargetAsync(replica, change);
            Assert.False(await HoldsAsync(chain, place));
        }

        var refused = (await AskAsync(chain, _whole, _whole with { Length = 0 })).Places;
        Assert.All(refused, p => Assert.Equal(StatusCode.TargetNotServing, p.Code));
    }

    private static RoutingInfo RoutingOf(Replica replica, TargetState state, uint version)
    {
        var chain = new ChainInfo(ServedChain.Chain.Id, new ChainVersion(version), [new ChainTarget(replica.Target, state)], []);
        return new RoutingInfo(new RoutingVersion(version), [], [chain], [], []);
    }

    [Fact]
    public async Task A_server_that_ends_is_seen_to_be_gone()
    {
        var chain = await ServedChain.StartAsync(1, 1, TransportChoice.Shm);
        using var load = new ChainLoad(chain);
        load.Fill();
        var files = chain.Head.LocalFiles!;
        var place = (await AskAsync(chain, _whole)).Places.Single();
        await chain.Reactor.InvokeAsync(() => chain.Head.DisposeAsync());
        var (word, isAlive) = await chain.Reactor.InvokeAsync(() => ValueTask.FromResult((files.WordAt(place.Word), files.IsServerAlive())));
        Assert.Equal((0ul, false), (word, isAlive));
        await chain.DisposeAsync();
    }

    [Fact]
    public async Task What_cannot_be_told_is_refused_one_by_one()
    {
        await using var chain = await ServedChain.StartAsync(1, 1, TransportChoice.Shm);
        using var load = new ChainLoad(chain);
        load.Fill();
        var (status, places) = await AskAsync(
            chain, _whole with { Chain = new VersionedChain(new ChainId(77), new ChainVersion(1)) }, _whole with { Offset = 4096 },
            _whole with { Length = ChunkPlace.PartBytes + 1 }, _whole with { Offset = ChunkPlace.PartBytes }, _whole,
            _whole with { Chain = ServedChain.Chain with { Version = new ChainVersion(99) } });
        Assert.True(status.IsOk);
        Assert.Equal(
            [
                StatusCode.TargetNotFound, StatusCode.InvalidArgument, StatusCode.InvalidArgument, StatusCode.Busy, StatusCode.Ok,
                StatusCode.ChainVersionMismatch,
            ],
            places.Select(p => p.Code));
        var many = Enumerable.Repeat(_whole, ChunkPlace.MaxCount).ToArray();
        Assert.Equal(ChunkPlace.MaxCount, (await AskAsync(chain, many)).Places.Length);
        Assert.Equal(StatusCode.InvalidArgument, (await AskAsync(chain, [.. many, _whole])).Status.Code);
    }

    [Fact]
    public async Task Nobody_is_told_a_place_over_TCP()
    {
        await using var chain = await ServedChain.StartAsync(1, 1);
        using var load = new ChainLoad(chain);
        load.Fill();
        Assert.Equal(StatusCode.NotSupported, (await AskAsync(chain, _whole)).Status.Code);
    }
}
