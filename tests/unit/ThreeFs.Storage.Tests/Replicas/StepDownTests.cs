using ThreeFs.Base;
using ThreeFs.Contracts.Routing;
using ThreeFs.Contracts.Storage;
using ThreeFs.Storage.Targets;

namespace ThreeFs.Storage.Tests.Replicas;

public sealed class StepDownTests
{
    private static readonly byte[] _old = ReplicaPair.Bytes(1000, 1);
    private static readonly byte[] _new = ReplicaPair.Bytes(1000, 2);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Who_stepped_down_answers_nobody_at_once_and_comes_back_with_what_was_written_meanwhile(bool isHead)
    {
        var pair = new ReplicaPair();
        Assert.Equal(StatusCode.Ok, pair.Write(1, _old));
        var (leaves, stays) = isHead ? (pair.Head, pair.Tail) : (pair.Tail, pair.Head);
        Assert.Equal(Status.Ok, leaves.StepDown(pair.Versioned));
        Assert.Equal(Status.Ok, leaves.StepDown(pair.Versioned));
        Assert.Equal(LocalTargetState.Online, leaves.Report().State);
        Assert.Equal(StatusCode.TargetNotServing, pair.Read(leaves, 1, 1000).Code);
        Assert.Equal(_old, pair.Read(stays, 1, 1000).Bytes);
        Assert.Equal(StatusCode.TargetNotServing, leaves.QueryLast(new QueryLastRequest(pair.Versioned, ReplicaPair.Id(1).Inode, 0, 9)).Code);
        if (isHead)
        {
            Assert.Equal(StatusCode.TargetNotServing, pair.Write(1, _new));
            return;
        }

        pair.Apply(TargetState.Serving, TargetState.Waiting);
        Assert.Equal(StatusCode.Ok, pair.Write(1, _new));
        pair.Apply(TargetState.Serving, TargetState.Syncing);
        Assert.Equal(LocalTargetState.UpToDate, leaves.Report().State);
        pair.Apply(TargetState.Serving, TargetState.Serving);
        Assert.Equal(_new, pair.Read(leaves, 1, 1000).Bytes);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_a_slow_disk_writes_after_the_target_has_left_is_not_there_when_it_comes_back(bool isHead)
    {
        var pair = new ReplicaPair();
        var (leaves, stays) = isHead ? (pair.Head, pair.Tail) : (pair.Tail, pair.Head);
        var device = pair.Disks[isHead ? 0 : 1].Device;
        var whole = ReplicaPair.Bytes((int)ReplicaPair.ChunkSize, 3);
        Assert.Equal(StatusCode.Ok, pair.Write(1, whole));

        // Not whole units: what is stored at both ends has to be read first.
        device.HoldReads = true;
        var late = pair.WriteAsync(1, ReplicaPair.Bytes(300_001, 4), offset: 7);
        Assert.Equal(Status.Ok, leaves.StepDown(pair.Versioned));
        Return(TargetState.Waiting);
        Return(TargetState.Syncing);
        pair.Elapse(TimeSpan.FromSeconds(2), stays);
        Assert.Equal(LocalTargetState.Online, leaves.Report().State); // nobody knows yet what it will hold
        device.ReleaseReads();
        pair.Elapse(TimeSpan.FromSeconds(8));
        Assert.Equal(isHead ? StatusCode.TargetNotServing : StatusCode.Ok, pair.Run(late).Code); // the head asked again
        Assert.Equal(LocalTargetState.UpToDate, leaves.Report().State);
        Return(TargetState.Serving);
        pair.Elapse(TimeSpan.FromSeconds(8));
        var (here, there) = (leaves.Store.Chunk(ReplicaPair.Id(1)), stays.Store.Chunk(ReplicaPair.Id(1)));
        Assert.Equal(there, here);
        Assert.False(here.HasPending);
        Assert.Equal(pair.Read(stays, 1, whole.Length).Bytes, pair.Read(leaves, 1, whole.Length).Bytes);

        void Return(TargetState state)
        {
            if (isHead) pair.PutTailFirst(state);
            else pair.Apply(TargetState.Serving, state);
        }
    }

    [Fact]
    public void Who_is_alone_or_knows_another_version_goes_on()
    {
        var pair = new ReplicaPair();
        var older = pair.Versioned;
        pair.Apply(TargetState.Serving, TargetState.Offline);
        Assert.Equal(StatusCode.ChainVersionMismatch, pair.Head.StepDown(older).Code);
        Assert.Equal(StatusCode.Busy, pair.Head.StepDown(pair.Versioned).Code);
        Assert.Equal(StatusCode.Ok, pair.Write(1, _old));
        Assert.Equal(_old, pair.Read(pair.Head, 1, 1000).Bytes);
    }

    [Fact]
    public void When_the_others_are_lost_meanwhile_it_serves_again_without_a_resync()
    {
        var pair = new ReplicaPair();
        Assert.Equal(StatusCode.Ok, pair.Write(1, _old));
        Assert.Equal(Status.Ok, pair.Head.StepDown(pair.Versioned));
        pair.Apply(TargetState.LastServing, TargetState.Offline);
        Assert.Equal(LocalTargetState.Online, pair.Head.Report().State);
        pair.Apply(TargetState.Serving, TargetState.Offline);
        Assert.Equal(LocalTargetState.UpToDate, pair.Head.Report().State);
        Assert.Equal(_old, pair.Read(pair.Head, 1, 1000).Bytes);
    }
}
