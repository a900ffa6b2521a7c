using ThreeFs.Base;
using ThreeFs.Contracts.Routing;

namespace ThreeFs.Storage.Tests.Replicas;

public sealed class TakeOutTests
{
    private static readonly Status _hung = new(StatusCode.IoError, "the disk hangs");

    [Fact]
    public void Target_of_an_unfit_disk_leaves_and_comes_back_when_it_is_out_of_service()
    {
        var pair = new ReplicaPair();
        pair.Tail.TakeOut(_hung, unlessLast: false);
        Assert.Equal(LocalTargetState.Offline, pair.Tail.Report().State);
        pair.Tail.BringBack("it answers");
        Assert.Equal(LocalTargetState.Offline, pair.Tail.Report().State); // mgmtd has not moved it yet
        pair.Apply(TargetState.Serving, TargetState.Offline);
        pair.Tail.BringBack("it answers");
        Assert.Equal((LocalTargetState.Online, false), (pair.Tail.Report().State, pair.Tail.IsTakenOut));
    }

    [Fact]
    public void Last_one_serving_comes_back_as_what_its_chain_waits_for()
    {
        var pair = new ReplicaPair();
        Assert.Equal(StatusCode.Ok, pair.Write(1, ReplicaPair.Bytes(1000, 1)));
        pair.Apply(TargetState.Serving, TargetState.Offline);
        pair.Head.TakeOut(_hung, unlessLast: false);
        pair.Apply(TargetState.LastServing, TargetState.Offline);
        pair.Head.BringBack("it answers");
        pair.Apply(TargetState.Serving, TargetState.Offline);
        Assert.Equal(LocalTargetState.UpToDate, pair.Head.Report().State);
        Assert.Equal(ReplicaPair.Bytes(1000, 1), pair.Read(pair.Head, 1, 1000).Bytes);
    }

    /// <summary>Both are found slow in the same moment, and each sees the other one serve.</summary>
    [Fact]
    public void Of_two_slow_disks_the_one_that_is_waited_for_comes_back()
    {
        var pair = new ReplicaPair();
        foreach (var replica in new[] { pair.Head, pair.Tail }) replica.TakeOut(new Status(StatusCode.IoError, "slow"), unlessLast: true);
        pair.Apply(TargetState.LastServing, TargetState.Offline);
        Assert.Equal((true, false), (pair.Head.IsWaitedFor, pair.Tail.IsWaitedFor));
        pair.Head.BringBack("there is no other one");
        pair.Apply(TargetState.Serving, TargetState.Offline);
        Assert.Equal((LocalTargetState.UpToDate, false), (pair.Head.Report().State, pair.Head.IsWaitedFor));
    }

    [Fact]
    public void Slow_disk_of_the_only_replica_left_stays()
    {
        var pair = new ReplicaPair();
        pair.Apply(TargetState.Serving, TargetState.Offline);
        pair.Head.TakeOut(new Status(StatusCode.IoError, "slow"), unlessLast: true);
        Assert.Equal(LocalTargetState.UpToDate, pair.Head.Report().State);
        pair.Head.TakeOut(_hung, unlessLast: false);
        Assert.Equal(LocalTargetState.Offline, pair.Head.Report().State);
    }
}
