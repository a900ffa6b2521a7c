using ThreeFs.FdbStandIn;
using ThreeFs.Kv.Tests.Contract;

namespace ThreeFs.Kv.FoundationDb.Tests;

/// <summary>The binding on the stand-in, whose answers come late and in any order.</summary>
public sealed class StandInStore : TestStore
{
    private readonly StandInCluster _cluster = new();

    public StandInStore()
    {
        StandIn.SetDelays(seed: 7, maxMicros: 100, readyPercent: 10);
        Engine = _cluster.OpenAsync().GetAwaiter().GetResult();
    }

    public override IKvEngine Engine { get; }

    public override void Advance(TimeSpan time) => StandIn.Advance(time);

    public override async ValueTask DisposeAsync()
    {
        await Engine.DisposeAsync();
        _cluster.Dispose();
        StandIn.AssertNothingHeld();
    }
}

[Collection(StandIn.Collection)]
public sealed class StandInAges : AgeContract<StandInStore>;
