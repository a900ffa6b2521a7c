using System.Collections.Immutable;
using ThreeFs.Base;
using ThreeFs.Cli.Moves;
using ThreeFs.Contracts.Routing;
using ThreeFs.Contracts.Storage;

namespace ThreeFs.Cli.Tests.Moves;

public sealed class MoveStepTests
{
    [Theory]
    [InlineData("S1 S2 S3", "1 2 3", "Done 0")]
    [InlineData("S1 S2 S3", "", "Done 0")]
    [InlineData("S1 S2 O3", "1 2 3", "Done 0")]
    [InlineData("S1 S2 S3 O9", "1 9 3", "Wait 9")]
    [InlineData("S1 S2 S3 Y9", "9 2 3", "Wait 9")]
    [InlineData("S1 S3 Y9 O2", "1 9 3", "Wait 9")]
    [InlineData("S1 S2 S9 O3", "1 9 3", "Wait 3")]
    [InlineData("S1 S2 S3", "1 9 3", "Wait 9")]
    [InlineData("S1 S2 S3 S9", "9 2 3", "StepDown 1")]
    [InlineData("S2 S3 S9 W1", "9 2 3", "Remove 1")]
    [InlineData("S2 S3 S9 O1", "9 2 3", "Remove 1")]
    [InlineData("S1 S3 S9 S8 O2", "9 3", "Remove 2")]
    [InlineData("L1 O9", "9", "Wait 9")]
    [InlineData("S1 S9", "9", "StepDown 1")]
    public void A_leaving_target_is_touched_only_once_every_wanted_one_serves(string targets, string wanted, string step)
    {
        var next = MoveStep.Next(Chain(targets, wanted));
        Assert.Equal(step, $"{next.Kind} {next.Target}");
    }

    [Theory]
    [InlineData("S1 O2", 2, null)]
    [InlineData("S1 O2", 1, null)]
    [InlineData("L1 O2", 1, "alone has every update")]
    [InlineData("L1 W2", 2, "Bring target 1 back first")]
    [InlineData("S1 S2", 7, "is in no chain")]
    public void What_would_lose_data_is_refused_in_words(string targets, ulong target, string? why)
    {
        var chain = Chain(targets, "");
        var routing = new RoutingInfo(
            new RoutingVersion(1), [], [chain],
            chain.Targets.Select(t => new TargetInfo(t.Id, chain.Id, t.State, LocalTargetState.Online, new NodeId(1), 0, 0, false)), []);
        var refusal = MoveStep.Refusal(routing, new TargetId(target));
        if (why is null) Assert.Null(refusal);
        else Assert.Contains(why, refusal);
    }

    [Fact]
    public void New_ids_are_free_everywhere_and_an_unused_target_of_the_chain_is_taken_up()
    {
        var chain = Chain("S20101 S20201", "");
        var routing = new RoutingInfo(
            new RoutingVersion(1), [], [chain],
            chain.Targets.Select(t => new TargetInfo(t.Id, chain.Id, t.State, LocalTargetState.Online, new NodeId(1), 0, 0, false)), []);
        var held = new Dictionary<NodeId, TargetReport[]>
        {
            [new NodeId(201)] = [Report(20101, 1), Report(20102, 4)],
            [new NodeId(203)] = [Report(77, 1)],
        };
        var ids = new NewTargetIds(routing, held);
        Assert.Equal(77u, ids.For(new ChainId(1), new NodeId(203)).Value);
        Assert.Equal(20301u, ids.For(new ChainId(2), new NodeId(203)).Value);
        Assert.Equal(20302u, ids.For(new ChainId(3), new NodeId(203)).Value);
        Assert.Equal(20103u, ids.For(new ChainId(3), new NodeId(201)).Value);
        Assert.Equal(new NodeId(203), ids.Holder(new ChainId(1)));
        Assert.Equal(new NodeId(201), ids.Holder(new ChainId(4)));
        Assert.Null(ids.Holder(new ChainId(2)));
    }

    [Fact]
    public void Progress_is_told_with_what_is_left()
    {
        var progress = new SyncProgress(
            new ChainId(1), new TargetId(2), new ResyncReport(new TargetId(2), true, 25, 100, 10, 50 << 20, TimeSpan.FromSeconds(10)));
        Assert.Equal(TimeSpan.FromSeconds(30), progress.Left);
        Assert.Equal("25 % (25 of 100 chunks compared, 50 MiB sent, 5 MiB/s, 30 s left)", progress.ToString());
        Assert.Contains("no estimate yet", (progress with { Report = progress.Report with { ComparedChunks = 0 } }).ToString());
        var compared = progress with { Report = progress.Report with { ComparedChunks = 100 } };
        Assert.Contains("100 % (100 of 100 chunks compared, 50 MiB sent, 5 MiB/s, ends now)", compared.ToString());
        Assert.Contains("fsck names it", (compared with { Report = compared.Report with { IsRunning = false } }).ToString());
        Assert.Equal("2 h 5 min", SyncProgress.Time(TimeSpan.FromMinutes(125.5)));
    }

    private static TargetReport Report(ulong target, uint chain) => new(new TargetId(target), new ChainId(chain), 0, 0, 0, default);

    private static ChainInfo Chain(string targets, string wanted) => new(
        new ChainId(1), new ChainVersion(1),
        [.. targets.Split(' ').Select(t => new ChainTarget(new TargetId(ulong.Parse(t[1..])), State(t[0])))],
        [.. wanted.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(t => new TargetId(ulong.Parse(t)))]);

    private static TargetState State(char letter) => letter switch
    {
        'S' => TargetState.Serving, 'L' => TargetState.LastServing, 'Y' => TargetState.Syncing, 'W' => TargetState.Waiting, _ => TargetState.Offline,
    };
}
