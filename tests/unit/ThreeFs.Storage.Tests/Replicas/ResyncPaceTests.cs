using Microsoft.Extensions.Time.Testing;
using ThreeFs.Base;
using ThreeFs.Contracts.Routing;
using ThreeFs.Storage.Recovery;

namespace ThreeFs.Storage.Tests.Replicas;

public sealed class ResyncPaceTests
{
    private const int Chunks = 40;

    [Fact]
    public void A_syncing_target_gets_no_more_than_the_rate_and_progress_says_how_far_it_is()
    {
        // 40 chunks of 256 KiB at 1 MiB a second are ten seconds.
        var pair = Behind(resyncBytesPerSecond: 1 << 20);
        pair.Apply(TargetState.Serving, TargetState.Syncing);
        pair.Elapse(TimeSpan.FromSeconds(5));
        var report = pair.Head.Resync.Report(pair.Head.Store.ChunkCount, pair.Time);
        Assert.True(report.IsRunning);
        Assert.Equal((pair.Tail.Target, (long)Chunks), (report.Successor, report.TotalChunks));
        Assert.InRange(report.SentBytes, 9 << 19, (5 << 20) + (256 << 10));
        Assert.InRange(report.ComparedChunks, 18, 23);
        Assert.InRange(report.Elapsed, TimeSpan.FromSeconds(4.8), TimeSpan.FromSeconds(5.2));
        Assert.Equal(LocalTargetState.Online, pair.Tail.Standing.Local);

        // A chunk that waits for its turn is not held meanwhile.
        Assert.Equal(StatusCode.Ok, pair.Write(Chunks - 1, ReplicaPair.Bytes(100, 7)));

        while (pair.Head.Resync.IsRunning) pair.Elapse(TimeSpan.FromMilliseconds(100));
        report = pair.Head.Resync.Report(pair.Head.Store.ChunkCount, pair.Time);
        Assert.Equal(report.TotalChunks, report.ComparedChunks);
        Assert.InRange(report.Elapsed, TimeSpan.FromSeconds(9.5), TimeSpan.FromSeconds(10.5));
        Assert.Equal(LocalTargetState.UpToDate, pair.Tail.Standing.Local);
        Assert.Equal(Chunks, pair.Tail.Store.ChunkCount);
    }

    [Fact]
    public void Without_a_limit_it_is_done_at_once()
    {
        var pair = Behind(resyncBytesPerSecond: 0);
        pair.Apply(TargetState.Serving, TargetState.Syncing);
        Assert.Equal(LocalTargetState.UpToDate, pair.Tail.Standing.Local);
    }

    [Fact]
    public void A_wait_ends_with_the_chain_version_it_was_for()
    {
        var pair = Behind(resyncBytesPerSecond: 1 << 20);
        pair.Apply(TargetState.Serving, TargetState.Syncing);
        pair.Elapse(TimeSpan.FromSeconds(1));
        pair.Apply(TargetState.Serving, TargetState.Offline);
        Assert.False(pair.Head.Resync.IsRunning);
    }

    [Fact]
    public void All_targets_share_the_rate_and_what_is_not_used_is_not_saved_up()
    {
        var time = new FakeTimeProvider();
        var pace = new ResyncPace(1000, time);
        Assert.Equal(TimeSpan.Zero, pace.Take(500));
        Assert.Equal(TimeSpan.FromSeconds(0.5), pace.Take(1000));
        Assert.Equal(TimeSpan.FromSeconds(1.5), pace.Take(1));
        time.Advance(TimeSpan.FromSeconds(60));
        Assert.Equal(TimeSpan.Zero, pace.Take(1000));
        Assert.Equal(TimeSpan.FromSeconds(1), pace.Take(1000));
    }

    [Fact]
    public void A_node_is_busy_for_a_moment_after_each_request_of_a_client()
    {
        var time = new FakeTimeProvider();
        var pace = new ResyncPace(0, time);
        Assert.False(pace.IsBusy);
        time.Advance(TimeSpan.FromSeconds(1));
        pace.ClientAsks();
        Assert.True(pace.IsBusy);
        time.Advance(TimeSpan.FromMilliseconds(49));
        Assert.True(pace.IsBusy);
        time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.False(pace.IsBusy);
        ResyncPace.Unlimited.ClientAsks();
        Assert.False(ResyncPace.Unlimited.IsBusy);
    }

    /// <summary>The tail missed everything.</summary>
    private static ReplicaPair Behind(long resyncBytesPerSecond)
    {
        var pair = new ReplicaPair(resyncBytesPerSecond: resyncBytesPerSecond);
        pair.Apply(TargetState.Serving, TargetState.Offline);
        for (var i = 0; i < Chunks; i++) Assert.Equal(StatusCode.Ok, pair.Write((ulong)i, ReplicaPair.Bytes(256 << 10, (ulong)i)));
        return pair;
    }
}
