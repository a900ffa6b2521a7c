using System.Text;
using ThreeFs.Base;
using ThreeFs.FoundationDb.Tests.Support;
using ThreeFs.Kv;
using ThreeFs.Kv.Transfer;

namespace ThreeFs.FoundationDb.Tests;

/// <summary>A store moves to FoundationDB and back.</summary>
public sealed class CopyTests
{
    [Fact]
    public async Task There_and_back_everything_is_the_same()
    {
        var source = new MemoryKvEngine(TimeProvider.System);
        using (var transaction = source.BeginTransaction())
        {
            for (var i = 0; i < 5000; i++) transaction.Set(Encoding.ASCII.GetBytes($"k{i * 7919 % 5000}"), new byte[i % 500]);
            (await transaction.CommitAsync()).ThrowIfFailed();
        }

        var there = await TestDatabase.OpenAsync(TimeProvider.System);
        var back = new MemoryKvEngine(TimeProvider.System);
        var went = await KvCopy.RunAsync(Whole(source), Whole(there), _ => { }, default);
        var came = await KvCopy.RunAsync(Whole(there), Whole(back), _ => { }, default);
        Assert.Equal(5000, went.Value.Rows);
        Assert.Equal(went.Value, came.Value);
    }

    private static KvWholeStore Whole(IKvEngine engine) => new(engine, TimeProvider.System, new SeededRandom(1));
}
