using System.Diagnostics;
using ThreeFs.Base;
using ThreeFs.Sim.Faults;
using Xunit.Abstractions;

namespace ThreeFs.Sim.Tests;

/// <summary>The whole cluster under faults: a fixed set of seeds, and fresh ones for a while; `./test sim` searches further.</summary>
public sealed class SimulationTests(ITestOutputHelper output)
{
    private const int First = 7001;
    private const int Fixed = 60;

    /// <summary>Some rare branches are in one run of a hundred: so many runs may be added to the fixed ones until all are reached.</summary>
    private const int Added = 180;

    /// <summary>How long fresh seeds are tried.</summary>
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);

    [Fact]
    public void Every_promise_is_kept_and_every_rare_branch_reached()
    {
        var results = new List<SimResult>();
        while (results.Count < Fixed || (results.Count < Fixed + Added && Probes.Missing(results).Any()))
        {
            var next = First + results.Count;
            var some = new SimResult[Fixed / 2];
            Parallel.For(0, some.Length, _workers, i => some[i] = SimRun.Run(new SimOptions((ulong)(next + i), Variant.None)));
            results.AddRange(some);
        }

        Assert.All(results, r => Assert.True(r.Failure is null, Describe(r)));
        Assert.All(results, r => Assert.True(r.Writes > 0, $"{Replay(r)}: no update was acknowledged"));
        Assert.Empty(Probes.Missing(results));
    }

    [Fact]
    public void Every_promise_is_kept_with_fresh_seeds()
    {
        var started = Stopwatch.GetTimestamp();
        var failures = new List<SimResult>();
        var runs = 0;
        var idle = 0;
        Parallel.ForEach(Fresh(), _workers, seed =>
        {
            var result = SimRun.Run(new SimOptions(seed, Variant.None));
            Interlocked.Increment(ref runs);
            if (result.Writes == 0) Interlocked.Increment(ref idle);
            if (result.Failure is null) return;
            lock (failures) failures.Add(result);
        });
        output.WriteLine($"{runs} seeds, {runs / Stopwatch.GetElapsedTime(started).TotalMinutes:0} per minute");
        Assert.True(failures.Count == 0, string.Join("\n\n", failures.Select(Describe)));
        Assert.True(idle <= 2 + runs / 50, $"in {idle} of {runs} runs no update was acknowledged");

        IEnumerable<ulong> Fresh()
        {
            var fresh = new SeededRandom((ulong)DateTime.UtcNow.Ticks);
            while (Stopwatch.GetElapsedTime(started) < _patience) yield return fresh.NextUInt64() >> 24;
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
        var isCaught = !Parallel.For(1, 151, _workers, (seed, search) =>
        {
            if (!search.IsStopped && SimRun.Run(new SimOptions((ulong)seed, variant)).Failure is not null) search.Stop();
        }).IsCompleted;
        Assert.True(isCaught);
    }

    private static readonly ParallelOptions _workers = new() { MaxDegreeOfParallelism = Environment.ProcessorCount };

    public static TheoryData<string> Broken() => [.. Variants.Broken.Select(v => v.Name)];

    /// <summary>What happened comes last: of a long output, often only the end is left.</summary>
    private static string Describe(SimResult result) => $"{result.Timeline}\n{Replay(result)}: {result.Failure}";

    private static string Replay(SimResult result) => $"./test sim --seed {result.Seed}";
}
