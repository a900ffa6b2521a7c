using System.CommandLine;
using System.Diagnostics;
using ThreeFs.Base;
using ThreeFs.Sim;
using ThreeFs.Sim.Faults;

var seed = new Option<ulong?>("--seed") { Description = "Replay one run exactly and print its timeline when it fails" };
var seeds = new Option<int>("--seeds") { Description = "How many runs", DefaultValueFactory = _ => 60 };
var first = new Option<ulong>("--first") { Description = "Seed of the first run; the others follow it", DefaultValueFactory = _ => 1 };
var minutes = new Option<double>("--minutes") { Description = "Search with fresh random seeds for so long instead" };
var jobs = new Option<int>("--jobs") { Description = "Runs at the same time", DefaultValueFactory = _ => Environment.ProcessorCount };
var variant = new Option<string>("--variant")
{
    Description = $"Run a broken system: {string.Join(", ", Variants.Broken.Select(v => v.Name))}", DefaultValueFactory = _ => "none",
};
var timeline = new Option<bool>("--timeline") { Description = "With --seed: print the timeline also of a good run" };
var watch = new Option<string?>("--watch") { Description = "With --seed: write the updates of this inode (hexadecimal) into the timeline" };
var root = new RootCommand("Whole clusters in one thread with virtual time, simulated disks, networks and clocks; every run follows from its seed")
{
    seed, seeds, first, minutes, jobs, variant, timeline, watch,
};
root.SetAction(parsed =>
{
    var broken = Variants.Find(parsed.GetValue(variant)!);
    return parsed.GetValue(seed) is { } one
        ? Replay(new SimOptions(one, broken, Watched: Inode(parsed.GetValue(watch))), parsed.GetValue(timeline))
        : Search(broken, parsed.GetValue(first), parsed.GetValue(seeds), parsed.GetValue(minutes), parsed.GetValue(jobs));
});
return await root.Parse(args).InvokeAsync();

static InodeId? Inode(string? text) => text is null ? null : new InodeId(Convert.ToUInt64(text, 16));

static int Replay(SimOptions options, bool withTimeline)
{
    var result = SimRun.Run(options);
    if (result.Failure is null)
    {
        if (withTimeline) Console.WriteLine(result.Timeline);
        Console.WriteLine(Line(result));
        return 0;
    }

    Console.WriteLine($"seed {options.Seed} fails: {result.Failure}\nleaving out faults that it does not need ...");
    var (small, left) = Minimizer.Run(options, result);
    Console.WriteLine(small.Timeline);
    Console.WriteLine($"\n{small.Shape}\nfaults left of {result.Faults.Count}:");
    foreach (var i in left) Console.WriteLine($"  {small.Faults[i]}");
    Console.WriteLine($"seed {options.Seed} fails: {small.Failure}");
    return 1;
}

static int Search(Variant broken, ulong first, int seeds, double minutes, int jobs)
{
    var started = Stopwatch.GetTimestamp();
    var fresh = new SeededRandom((ulong)DateTime.UtcNow.Ticks);
    var probes = new SortedDictionary<string, long>(StringComparer.Ordinal);
    var failures = new List<SimResult>();
    var (runs, events) = (0, 0L);
    Parallel.ForEach(Next(), new ParallelOptions { MaxDegreeOfParallelism = jobs }, seed =>
    {
        var result = SimRun.Run(new SimOptions(seed, broken));
        lock (probes)
        {
            (runs, events) = (runs + 1, events + result.Events);
            foreach (var (name, count) in result.Probes) probes[name] = probes.GetValueOrDefault(name) + count;
            if (result.Failure is null) return;
            failures.Add(result);
            Console.WriteLine($"seed {result.Seed} FAILED: {result.Failure.Split('\n')[0]}");
        }
    });
    var elapsed = Stopwatch.GetElapsedTime(started);
    Console.WriteLine("reached, times:");
    foreach (var (name, count) in probes) Console.WriteLine($"  {count,9} {name}");
    Console.WriteLine("of these looked for:");
    foreach (var (name, means) in Probes.Demanded) Console.WriteLine($"  {probes.GetValueOrDefault(name),9} {name} ({means})");
    Console.WriteLine(
        $"{runs} seeds, {failures.Count} failed, {events} events in {elapsed.TotalSeconds:0} s: {runs / elapsed.TotalMinutes:0} seeds per minute");
    foreach (var failure in failures) Console.WriteLine($"replay: ./test sim --seed {failure.Seed}");
    return failures.Count == 0 ? 0 : 1;

    IEnumerable<ulong> Next()
    {
        if (minutes > 0)
        {
            while (Stopwatch.GetElapsedTime(started) < TimeSpan.FromMinutes(minutes)) yield return fresh.NextUInt64() >> 24;
            yield break;
        }

        for (var i = 0; i < seeds; i++) yield return first + (ulong)i;
    }
}

static string Line(SimResult r) =>
    $"seed {r.Seed}: every promise kept ({r.Shape}; {r.Faults.Count} faults, {r.Writes} updates, {r.Reads} reads, {r.Events} events, "
    + $"{r.Virtual.TotalSeconds:0} s of virtual time in {r.Real.TotalSeconds:0.0} s, trace {r.Hash:x16})";
