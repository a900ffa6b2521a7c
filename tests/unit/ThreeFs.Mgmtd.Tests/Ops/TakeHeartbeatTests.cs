using ThreeFs.Base;
using ThreeFs.Contracts.Mgmtd;
using ThreeFs.Contracts.Routing;
using ThreeFs.Kv;
using ThreeFs.Mgmtd.Background;
using ThreeFs.Mgmtd.Tests.Support;

namespace ThreeFs.Mgmtd.Tests.Ops;

public sealed class TakeHeartbeatTests : IAsyncLifetime
{
    private static readonly MgmtdTiming _timing = new();
    private SimCluster _cluster = null!;

    private MgmtdService Service => _cluster.Service;

    public async Task InitializeAsync() => _cluster = await SimCluster.StartAsync();

    public async Task DisposeAsync() => await _cluster.DisposeAsync();

    [Fact]
    public async Task An_unknown_node_becomes_known_and_gets_a_lease()
    {
        var reply = Expect.Ok(await Send(_cluster.Heartbeat(5, 1)));
        Assert.Equal(_timing.NodeLease, reply.Lease);
        await _cluster.Primary.SettleAsync();
        var node = _cluster.Primary.Routing.Nodes[new NodeId(5)];
        Assert.Equal((NodeState.Connected, NodeKind.Meta, "h5", 5), (node.State, node.Kind, node.HostName, node.ProcessId));
        Assert.Equal("10.1.0.5:9000", node.Endpoint(EndpointKind.Data)?.ToString());
    }

    [Fact]
    public async Task An_unknown_node_is_refused_where_that_is_configured()
    {
        await using var strict = new SimMgmtd(1, new ThreeFs.Kv.MemoryKvEngine(_cluster.Time), _cluster.Time, allowUnknown: false);
        await strict.BeatAsync();
        Expect.Fails(StatusCode.NodeNotFound, (await strict.Service.HeartbeatAsync("test", _cluster.Heartbeat(5, 1), default)).Status);
        Expect.Ok(await strict.Service.RegisterNodeAsync("test", new NodeId(5), NodeKind.Meta, default));
        Expect.Ok(await strict.Service.HeartbeatAsync("test", _cluster.Heartbeat(5, 1), default));
    }

    [Fact]
    public async Task Impossible_heartbeats_are_refused()
    {
        var good = _cluster.Heartbeat(5, 1, SimCluster.Target(11, LocalTargetState.Online, 0));
        foreach (var (bad, why) in new (Heartbeat, string)[]
        {
            (good with { Node = default }, "node 0"),
            (good with { Kind = (NodeKind)8 }, "kind"),
            (good with { SentAt = good.SentAt + TimeSpan.FromSeconds(31) }, "clock"),
            (good with { SentAt = good.SentAt - TimeSpan.FromSeconds(31) }, "clock"),
            (good with { Endpoints = [new ServiceEndpoint(EndpointKind.Grpc, "h", 0)] }, "endpoint"),
            (good with { Targets = [.. good.Targets, .. good.Targets] }, "twice"),
            (good with { Targets = [good.Targets[0] with { State = 0 }] }, "state"),
            (good with { HostName = new string('h', 300) }, "too long"),
        })
        {
            Expect.Fails(StatusCode.InvalidArgument, (await Send(bad)).Status, why);
        }

        Expect.Ok(await Send(good));
        Expect.Fails(StatusCode.InvalidArgument, (await Send(_cluster.Heartbeat(5, 2))).Status, "registered as Storage");
    }

    [Fact]
    public async Task Only_newer_heartbeats_of_the_newest_process_count()
    {
        Expect.Ok(await Send(_cluster.Heartbeat(5, 7)));
        Expect.Fails(StatusCode.HeartbeatStale, (await Send(_cluster.Heartbeat(5, 7))).Status);
        Expect.Fails(StatusCode.HeartbeatStale, (await Send(_cluster.Heartbeat(5, 6))).Status);
        Expect.Ok(await Send(_cluster.Heartbeat(5, 1) with { Generation = 2 }));
        Expect.Fails(StatusCode.HeartbeatStale, (await Send(_cluster.Heartbeat(5, 8))).Status);
        Expect.Ok(await Send(_cluster.Heartbeat(5, 2) with { Generation = 2 }));
    }

    /// <summary>Found by simulation: clocks went back, and a heartbeat of a process that was killed came last.</summary>
    [Fact]
    public async Task A_living_process_is_told_to_claim_a_later_start_when_a_later_one_has_fallen_silent()
    {
        Expect.Ok(await Send(_cluster.Heartbeat(5, 1) with { Generation = 7 }));
        Expect.Ok(await Send(_cluster.Heartbeat(5, 1) with { Generation = 9 })); // delayed: its sender is dead
        Expect.Fails(StatusCode.HeartbeatStale, (await Send(_cluster.Heartbeat(5, 2) with { Generation = 7 })).Status);
        await _cluster.PassAsync(_timing.FailureTimeout + _timing.CheckInterval);
        Expect.Fails(StatusCode.HeartbeatOutlived, (await Send(_cluster.Heartbeat(5, 3) with { Generation = 7 })).Status);
        Expect.Ok(await Send(_cluster.Heartbeat(5, 4) with { Generation = 10 }));
    }

    [Fact]
    public async Task The_generation_outlives_a_take_over()
    {
        Expect.Ok(await Send(_cluster.Heartbeat(5, 7) with { Generation = 9 }));
        await using var second = new SimMgmtd(2, _cluster.Kv, _cluster.Time);
        await second.BeatAsync();
        _cluster.Time.Advance(_timing.PrimaryLease);
        await second.BeatAsync();
        Expect.Fails(
            StatusCode.HeartbeatStale, (await second.Service.HeartbeatAsync("test", _cluster.Heartbeat(5, 8) with { Generation = 8 }, default)).Status);
        Expect.Ok(await second.Service.HeartbeatAsync("test", _cluster.Heartbeat(5, 8) with { Generation = 9 }, default));
    }

    [Fact]
    public async Task A_heartbeat_that_says_nothing_new_publishes_nothing()
    {
        Expect.Ok(await Send(_cluster.Heartbeat(5, 1, SimCluster.Target(11, LocalTargetState.Online, 0))));
        await _cluster.Primary.SettleAsync();
        var version = _cluster.Primary.Routing.Version;
        for (ulong i = 2; i < 20; i++) Expect.Ok(await Send(_cluster.Heartbeat(5, i, SimCluster.Target(11, LocalTargetState.Online, 0))));
        await _cluster.Primary.SettleAsync();
        Assert.Equal(version, _cluster.Primary.Routing.Version);
    }

    [Fact]
    public async Task A_target_that_its_restarted_server_does_not_have_any_more_is_shown_where_it_was()
    {
        Expect.Ok(await Service.SetChainsAsync("test", [new ChainSetting(new ChainId(1), [new TargetId(11)], [])], default));
        Expect.Ok(await Send(_cluster.Heartbeat(5, 1, SimCluster.Target(11, LocalTargetState.Online, 1)) with { Generation = 1 }));
        await _cluster.Primary.UpdateChainsAsync();
        await using var second = new SimMgmtd(2, _cluster.Kv, _cluster.Time);
        await second.BeatAsync();
        _cluster.Time.Advance(_timing.PrimaryLease);
        await second.BeatAsync();
        var restarted = _cluster.Heartbeat(5, 1) with { Kind = NodeKind.Storage, Generation = 2 };
        Expect.Ok(await second.Service.HeartbeatAsync("test", restarted, default));
        await second.SettleAsync();
        Assert.Equal(new NodeId(5), second.Routing.Targets[new TargetId(11)].Node);
    }

    [Fact]
    public async Task Nobody_gets_a_lease_while_the_loss_of_its_target_is_being_stored()
    {
        var store = new SlowStore();
        await using var mgmtd = new SimMgmtd(1, new FaultyKvEngine(new MemoryKvEngine(_cluster.Time), store, _cluster.Time), _cluster.Time);
        await mgmtd.BeatAsync();
        Expect.Ok(await mgmtd.Service.SetChainsAsync("test", [new ChainSetting(new ChainId(1), [new TargetId(11)], [])], default));
        Expect.Ok(await mgmtd.Service.HeartbeatAsync("test", _cluster.Heartbeat(5, 1, SimCluster.Target(11, LocalTargetState.Online, 1)), default));
        await mgmtd.UpdateChainsAsync();
        Assert.Equal(TargetState.Serving, State());
        mgmtd.Service.Core.Read(term =>
        {
            term.Targets[new TargetId(11)].Alive = false;
            term.MarkDirty(new TargetId(11));
            return true;
        });

        store.Pause = TimeSpan.FromMilliseconds(10);
        var update = new ChainUpdater(mgmtd.Service.Core).RunOnceAsync(default).AsTask();
        var back = _cluster.Heartbeat(5, 2, SimCluster.Target(11, LocalTargetState.UpToDate, 2));
        Expect.Fails(StatusCode.Unavailable, (await mgmtd.Service.HeartbeatAsync("test", back, default)).Status, "out of service");
        store.Pause = TimeSpan.Zero;
        _cluster.Time.Advance(TimeSpan.FromMilliseconds(10));
        Expect.Ok(await update);

        Assert.Equal(TargetState.LastServing, State());
        var reply = Expect.Ok(await mgmtd.Service.HeartbeatAsync("test", back, default));
        Assert.Equal(mgmtd.Routing.Version, reply.Routing);

        TargetState State() => mgmtd.Routing.Chains[new ChainId(1)].Targets[0].State;
    }

    private sealed class SlowStore : IKvFaults
    {
        public TimeSpan Pause { get; set; }

        public KvFault OnRead() => KvFault.None;

        public KvFault OnCommit() => KvFault.None;

        public TimeSpan Delay() => Pause;
    }

    [Fact]
    public async Task A_silent_node_fails_after_the_timeout_and_not_before()
    {
        await _cluster.PassAsync(_timing.FailureTimeout);
        Expect.Ok(await Send(_cluster.Heartbeat(5, 1)));
        await _cluster.PassAsync(_timing.FailureTimeout);
        Assert.Equal(NodeState.Connected, _cluster.Primary.Routing.Nodes[new NodeId(5)].State);
        await _cluster.PassAsync(_timing.CheckInterval);
        Assert.Equal(NodeState.Failed, _cluster.Primary.Routing.Nodes[new NodeId(5)].State);
        Expect.Ok(await Send(_cluster.Heartbeat(5, 2)));
        await _cluster.Primary.SettleAsync();
        Assert.Equal(NodeState.Connected, _cluster.Primary.Routing.Nodes[new NodeId(5)].State);
    }

    [Fact]
    public async Task A_stall_of_mgmtd_itself_makes_nobody_silent()
    {
        await _cluster.PassAsync(_timing.FailureTimeout);
        Expect.Ok(await Send(_cluster.Heartbeat(5, 1)));
        await _cluster.PassAsync(TimeSpan.FromSeconds(1));
        // Shorter than its own trust, longer than what is left until the node counts as silent.
        _cluster.Time.Advance(TimeSpan.FromSeconds(2.4));
        await _cluster.Primary.SettleAsync();
        await _cluster.Primary.BeatAsync();
        await _cluster.PassAsync(_timing.CheckInterval);
        Assert.Equal(NodeState.Connected, _cluster.Primary.Routing.Nodes[new NodeId(5)].State);
        await _cluster.PassAsync(_timing.FailureTimeout);
        Assert.Equal(NodeState.Failed, _cluster.Primary.Routing.Nodes[new NodeId(5)].State);
    }

    [Fact]
    public async Task A_target_that_another_living_node_has_is_not_taken_away_from_it()
    {
        Expect.Ok(await Service.SetChainsAsync("test", [new ChainSetting(new ChainId(1), [new TargetId(11)], [])], default));
        Expect.Ok(await Send(_cluster.Heartbeat(5, 1, SimCluster.Target(11, LocalTargetState.Online, 1))));
        Expect.Ok(await Send(_cluster.Heartbeat(6, 1, SimCluster.Target(11, LocalTargetState.Online, 1))));
        await _cluster.Primary.SettleAsync();
        Assert.Equal(new NodeId(5), _cluster.Primary.Routing.Targets[new TargetId(11)].Node);

        await _cluster.PassAsync(_timing.FailureTimeout + _timing.CheckInterval);
        Expect.Ok(await Send(_cluster.Heartbeat(6, 2, SimCluster.Target(11, LocalTargetState.Online, 1))));
        await _cluster.Primary.SettleAsync();
        Assert.Equal(new NodeId(6), _cluster.Primary.Routing.Targets[new TargetId(11)].Node);
    }

    [Fact]
    public async Task The_primary_hears_itself_but_not_another_process_with_its_id()
    {
        var self = _cluster.Heartbeat(1, 1) with { Kind = NodeKind.Mgmtd, HostName = "host1", ProcessId = 1 };
        Expect.Ok(await Send(self));
        Expect.Fails(StatusCode.NodeExists, (await Send(self with { ProcessId = 2 })).Status, "id of its own");
    }

    [Fact]
    public async Task An_outdated_report_does_not_promote()
    {
        Expect.Ok(await Service.SetChainsAsync("test", [new ChainSetting(new ChainId(1), [new TargetId(11), new TargetId(12)], [])], default));
        await Step(1, (11, LocalTargetState.Online, 1), "S11 O12");
        await Step(2, (12, LocalTargetState.Online, 2), "S11 Y12");
        Assert.Equal(3u, _cluster.Chain(1).Version.Value);
        await Step(3, (12, LocalTargetState.UpToDate, 2), "S11 Y12");
        await Step(4, (12, LocalTargetState.UpToDate, 3), "S11 S12");
    }

    private async Task Step(ulong sequence, (ulong Id, LocalTargetState State, uint Version) report, string expected)
    {
        var node = (uint)report.Id;
        Expect.Ok(await Send(_cluster.Heartbeat(node, sequence, SimCluster.Target(report.Id, report.State, report.Version))));
        await _cluster.Primary.SettleAsync();
        Assert.Equal(expected, Chains.ChainTransitionTests.Print(_cluster.Chain(1)));
    }

    private ValueTask<Result<HeartbeatReply>> Send(Heartbeat heartbeat) => Service.HeartbeatAsync("test", heartbeat, default);
}
