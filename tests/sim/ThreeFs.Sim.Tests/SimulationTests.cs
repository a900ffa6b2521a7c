using ThreeFs.Sim.Faults;

namespace ThreeFs.Sim.Tests;

/// <summary>The whole cluster under faults, a fixed set of seeds; `./test sim` searches further.</summary>
public sealed class SimulationTests
{
    [Theory]
    [MemberData(nameof(Blocks))]
    public void Every_promise_is_kept(int first)
    {
        for (var seed = first; seed < first + 10; seed++)
        {
            var result = SimRun.Run(new SimOptions((ulong)seed, Variant.None));
            Assert.True(result.Failure is null, $"./test sim --seed {seed}: {result.Failure}\n{result.Timeline}");
        }
    }

    [Fact]
    public void A_seed_replays_its_run_event_by_event()
    {
        var options = new SimOptions(7, Variant.None);
        var (first, second) = (SimRun.Run(options), SimRun.Run(options));
        Assert.Equal((first.Hash, first.Events, first.Writes), (second.Hash, second.Events, second.Writes));
        Assert.NotEqual(first.Hash, SimRun.Run(options with { Seed = 8 }).Hash);
    }

    [Theory]
    [MemberData(nameof(Broken))]
    public void A_broken_system_is_caught(string name)
    {
        var variant = Variants.Find(name);
        var isCaught = !Parallel.For(1, 151, (seed, search) =>
        {
            if (!search.IsStopped && SimRun.Run(new SimOptions((ulong)seed, variant)).Failure is not null) search.Stop();
        }).IsCompleted;
        Assert.True(isCaught);
    }

    public static TheoryData<int> Blocks() => [.. Enumerable.Range(0, 6).Select(i => 1 + i * 10)];

    public static TheoryData<string> Broken() => [.. Variants.Broken.Select(v => v.Name)];
}
