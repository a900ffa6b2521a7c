using ThreeFs.Base;
using ThreeFs.Contracts.Routing;
using ThreeFs.Storage.ChunkEngine;
using ThreeFs.Storage.ChunkEngine.Simulation;

namespace ThreeFs.Storage.Tests.Replicas;

public sealed class DurabilityTests
{
    [Theory]
    [InlineData(Durability.Process, false)]
    [InlineData(Durability.Write, true)]
    public void Acknowledged_write_survives_the_loss_of_power_of_both_replicas(Durability durability, bool survives)
    {
        for (var seed = 1ul; seed <= 20; seed++)
        {
            var pair = new ReplicaPair(new StorageLimits { Durability = durability });
            for (var i = 0ul; i < 5; i++) Assert.Equal(StatusCode.Ok, pair.Write(i, ReplicaPair.Bytes(200_000, i)));
            var left = pair.Disks.Select(d => AfterPowerLoss(d, seed)).ToArray();
            if (survives) Assert.Equal([5, 5], left);
            else if (left.All(count => count < 5)) return; // what the other mode does not promise
        }

        Assert.True(survives, "power was lost 20 times and nothing unflushed with it: the disks are not what they claim");
    }

    /// <summary>How many chunks the disk still has.</summary>
    private static int AfterPowerLoss(ReplicaPair.SimulatedDisk disk, ulong seed)
    {
        var random = new SeededRandom(seed);
        var work = new SimulatedWork(random.Fork(), isStepped: false);
        var device = disk.Device.Crash(random, work, losesPower: true);
        var index = disk.Index.Crash(random, work, losesPower: true);
        return ChunkStore.OpenAsync(device, index, new ChunkStoreOptions()).AsTask().Result.Value.ChunkCount;
    }

    [Fact]
    public void Write_is_not_acknowledged_when_a_flush_failed()
    {
        var pair = new ReplicaPair(new StorageLimits { Durability = Durability.Write });
        Assert.Equal(StatusCode.Ok, pair.Write(1, ReplicaPair.Bytes(1000, 1)));
        pair.Disks[0].ExpectsFaults = true;
        pair.Disks[0].Device.FailFlushes = StatusCode.IoError;
        Assert.Equal(StatusCode.TargetNotServing, pair.Write(2, ReplicaPair.Bytes(200_000, 2)));
        Assert.Equal(LocalTargetState.Offline, pair.Head.Standing.Local);
    }

    /// <summary>A client's flush asks the head only, and is not repeated once the other one serves.</summary>
    [Fact]
    public void What_comes_between_the_end_of_a_resync_and_serving_is_on_stable_storage_too()
    {
        var pair = new ReplicaPair();
        pair.Apply(TargetState.Serving, TargetState.Waiting);
        pair.Apply(TargetState.Serving, TargetState.Syncing);
        pair.Elapse(TimeSpan.FromSeconds(1));
        Assert.Equal(LocalTargetState.UpToDate, pair.Tail.Standing.Local);
        Assert.Equal(StatusCode.Ok, pair.Write(1, ReplicaPair.Bytes(200_000, 1)));
        Assert.Equal(StatusCode.Ok, pair.Run(pair.Head.FlushAsync(pair.Versioned)).Code);
        pair.Apply(TargetState.Serving, TargetState.Serving);
        for (var seed = 1ul; seed <= 20; seed++) Assert.Equal(1, AfterPowerLoss(pair.Disks[1], seed));
    }

    [Fact]
    public void Resync_flushes_once_and_not_for_each_chunk()
    {
        var pair = new ReplicaPair(new StorageLimits { Durability = Durability.Write });
        pair.Apply(TargetState.Serving, TargetState.Waiting);
        for (var i = 0ul; i < 20; i++) Assert.Equal(StatusCode.Ok, pair.Write(i, ReplicaPair.Bytes(1000, i)));
        var before = pair.Tail.Store.Counters.Flushes;
        pair.Apply(TargetState.Serving, TargetState.Syncing);
        pair.Elapse(TimeSpan.FromSeconds(1));
        Assert.Equal((20, LocalTargetState.UpToDate), (pair.Tail.Store.ChunkCount, pair.Tail.Standing.Local));
        Assert.InRange(pair.Tail.Store.Counters.Flushes - before, 1, 3);
    }
}
