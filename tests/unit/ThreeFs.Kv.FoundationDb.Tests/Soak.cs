using System.Diagnostics;
using ThreeFs.Base;
using ThreeFs.FdbStandIn;
using ThreeFs.Kv.FoundationDb.Binding;

namespace ThreeFs.Kv.FoundationDb.Tests;

/// <summary>
/// Disorder for long: a million transactions must leave no handle and no memory behind. Too long for every test run;
/// run as `dotnet exec ThreeFs.Kv.FoundationDb.Tests.dll soak 1000000`, on the stand-in or, with library and cluster
/// file behind it, on a server.
/// </summary>
internal static class Soak
{
    private const int Workers = 4;
    private const int Rounds = 20;

    /// <summary>Answers the exit code: 0 nothing was left, 1 something was.</summary>
    public static async Task<int> RunAsync(int transactions, FdbKvOptions? server)
    {
        using var standIn = server is null ? new StandInCluster() : null;
        var options = server ?? standIn!.Options;
        var opened = await FdbKvEngine.OpenAsync(options, TimeProvider.System);
        opened.Status.ThrowIfFailed();
        var database = FdbDatabase.Open(options.ClusterFile).Value;
        if (server is null)
        {
            StandIn.SetDelays(seed: 1, maxMicros: 50, readyPercent: 10);
            StandIn.SetRates(conflictPercent: 5, maybePercent: 5, tooOldPercent: 2);
        }

        long early = 0, late = 0;
        for (var round = 0; round < Rounds; round++)
        {
            var seed = (ulong)(round * Workers);
            await Task.WhenAll(Enumerable.Range(0, Workers).Select(worker => Task.Run(() => Disorder.RunAsync(
                database, new SeededRandom(seed + (ulong)worker), transactions / Rounds / Workers))));

            // The stand-in's snapshots age only when they are told to.
            if (server is null) StandIn.Advance(TimeSpan.FromMinutes(1));
            late = Memory();
            if (round == Rounds / 4) early = late;
            Console.WriteLine(
                $"{(round + 1) * (transactions / Rounds)} transactions: heap {GC.GetTotalMemory(false) >> 10} KiB, "
                + $"resident {late >> 20} MiB" + (server is null ? $", {StandIn.Futures} futures" : ""));
        }

        database.Dispose();
        await opened.Value.DisposeAsync();
        if (server is null) StandIn.AssertNothingHeld();
        var grown = late - early;
        Console.WriteLine($"resident memory grew by {grown >> 20} MiB in the last three quarters");
        return grown < 32L << 20 ? 0 : 1;
    }

    private static long Memory()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        using var self = Process.GetCurrentProcess();
        return self.WorkingSet64;
    }
}
