using ThreeFs.Base;
using ThreeFs.Kv;
using ThreeFs.Meta.Allocation;
using ThreeFs.Meta.Tests.Support;

namespace ThreeFs.Meta.Tests.Allocation;

public sealed class InodeIdAllocatorTests
{
    [Fact]
    public async Task Ids_are_unique_over_allocators_threads_and_unclear_commits()
    {
        var time = new TestTime();
        var store = new MemoryKvEngine(time);
        var faults = new SeededKvFaults(new SeededRandom(5)) { CommitMaybeCommitted = 0.3, CommitConflict = 0.2 };
        var engine = new FaultyKvEngine(store, faults, time);
        var allocators = Enumerable.Range(0, 3)
            .Select(i => new InodeIdAllocator(new KvRetry(engine, time, new SeededRandom((ulong)i)))).ToArray();
        var runs = await Task.WhenAll(Enumerable.Range(0, 6).Select(i => Task.Run(async () =>
        {
            var ids = new List<InodeId>();
            for (var n = 0; n < 5000; n++) ids.Add((await allocators[i % 3].NextAsync(default)).Value);
            return ids;
        })));
        var all = runs.SelectMany(r => r).ToArray();
        Assert.Equal(all.Length, all.Distinct().Count());
        Assert.All(all, id => Assert.InRange(id.Value, InodeId.FirstAllocated.Value, InodeIdAllocator.Limit - 1));
    }

    [Fact]
    public async Task The_end_of_the_number_space_is_an_error()
    {
        var time = new TestTime();
        var store = new MemoryKvEngine(time);
        using (var tx = store.BeginTransaction())
        {
            tx.AtomicMax(Meta.Records.MetaKeys.InodeAllocator, InodeIdAllocator.Limit - 1);
            (await tx.CommitAsync()).ThrowIfFailed();
        }

        var allocator = new InodeIdAllocator(new KvRetry(store, time, new SeededRandom(1)));
        Assert.Equal(StatusCode.NoSpace, (await allocator.NextAsync(default)).Code);
    }
}
