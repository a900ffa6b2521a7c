using System.Collections.Immutable;
using ThreeFs.Base;
using ThreeFs.Contracts.Mgmtd;
using ThreeFs.Contracts.Routing;
using ThreeFs.Mgmtd.Tests.Support;

namespace ThreeFs.Mgmtd.Tests.Ops;

/// <summary>Every administrative operation through the service: what it does, what it refuses, and that it does nothing twice.</summary>
public sealed class OperationTests : IAsyncLifetime
{
    private SimCluster _cluster = null!;

    private MgmtdService Service => _cluster.Service;

    public async Task InitializeAsync() => _cluster = await SimCluster.StartAsync();

    public async Task DisposeAsync() => await _cluster.DisposeAsync();

    [Fact]
    public async Task Nodes_are_registered_once()
    {
        Expect.Ok(await Service.RegisterNodeAsync("test", new NodeId(5), NodeKind.Meta, default));
        Assert.Equal(NodeState.Connecting, _cluster.Primary.Routing.Nodes[new NodeId(5)].State);
        Expect.Fails(StatusCode.NodeExists, await Service.RegisterNodeAsync("test", new NodeId(5), NodeKind.Meta, default), "5");
        Expect.Fails(StatusCode.InvalidArgument, await Service.RegisterNodeAsync("test", default, NodeKind.Meta, default));
        Expect.Fails(StatusCode.InvalidArgument, await Service.RegisterNodeAsync("test", new NodeId(6), (NodeKind)9, default));
        Expect.Fails(StatusCode.ClusterMismatch, await Service.RegisterNodeAsync("x", new NodeId(6), NodeKind.Meta, default));
    }

    [Fact]
    public async Task Only_a_disabled_or_failed_node_without_targets_is_unregistered()
    {
        var storage = new NodeId(5);
        await Beat(5, 1, SimCluster.Target(11, LocalTargetState.Online, 0));
        Expect.Fails(StatusCode.InvalidArgument, await Service.UnregisterNodeAsync("test", storage, default), "disable it first");
        Expect.Ok(await SetChains((1, [11])));
        Expect.Ok(await Service.SetNodeEnabledAsync("test", storage, false, default));
        Expect.Fails(StatusCode.InvalidArgument, await Service.UnregisterNodeAsync("test", storage, default), "target 11 of chain 1");
        Expect.Fails(StatusCode.NodeNotFound, await Service.UnregisterNodeAsync("test", new NodeId(6), default));

        await Beat(7, 1);
        Expect.Ok(await Service.SetNodeEnabledAsync("test", new NodeId(7), false, default));
        Expect.Ok(await Service.UnregisterNodeAsync("test", new NodeId(7), default));
        Assert.False(_cluster.Primary.Routing.Nodes.ContainsKey(new NodeId(7)));
    }

    [Fact]
    public async Task A_disabled_node_is_shown_so_and_its_heartbeats_are_refused()
    {
        await Beat(5, 1);
        Expect.Ok(await Service.SetNodeEnabledAsync("test", new NodeId(5), false, default));
        var version = _cluster.Primary.Routing.Version;
        Expect.Ok(await Service.SetNodeEnabledAsync("test", new NodeId(5), false, default));
        Assert.Equal(version, _cluster.Primary.Routing.Version);
        Assert.Equal(NodeState.Disabled, _cluster.Primary.Routing.Nodes[new NodeId(5)].State);
        Expect.Fails(StatusCode.NodeDisabled, (await Send(5, 2)).Status);
        Expect.Ok(await Service.SetNodeEnabledAsync("test", new NodeId(5), true, default));
        Expect.Ok(await Send(5, 3));
        Expect.Fails(StatusCode.InvalidArgument, await Service.SetNodeEnabledAsync("test", new NodeId(1), false, default), "primary");
        Expect.Fails(StatusCode.NodeNotFound, await Service.SetNodeEnabledAsync("test", new NodeId(9), true, default));
    }

    [Fact]
    public async Task Tags_are_set_and_removed()
    {
        await Beat(5, 1);
        Expect.Ok(await Service.SetNodeTagsAsync("test", new NodeId(5), Tags(("Zone", "a"), ("Rack", "1")), default));
        Expect.Ok(await Service.SetNodeTagsAsync("test", new NodeId(5), Tags(("Zone", ""), ("Rack", "2")), default));
        Assert.Equal(Tags(("Rack", "2")), _cluster.Primary.Routing.Nodes[new NodeId(5)].Tags);
        Expect.Fails(StatusCode.InvalidArgument, await Service.SetNodeTagsAsync("test", new NodeId(5), Tags(("Disable", "1")), default));
        Expect.Fails(StatusCode.InvalidArgument, await Service.SetNodeTagsAsync("test", new NodeId(5), Tags(("x", new string('y', 2000))), default));
        Expect.Fails(StatusCode.NodeNotFound, await Service.SetNodeTagsAsync("test", new NodeId(6), Tags(("a", "b")), default));
    }

    [Fact]
    public async Task New_chains_wait_for_their_first_target_and_existing_ones_are_left_alone()
    {
        Expect.Ok(await SetChains((1, [11, 12]), (2, [21, 22])));
        Assert.Equal([TargetState.LastServing, TargetState.Offline], _cluster.Chain(1).Targets.Select(t => t.State));
        var version = _cluster.Primary.Routing.Version;
        Expect.Ok(await SetChains((1, [12, 11])));
        Assert.Equal(version, _cluster.Primary.Routing.Version);
    }

    [Theory]
    [InlineData(0u, "11", StatusCode.InvalidArgument)]
    [InlineData(3u, "", StatusCode.InvalidArgument)]
    [InlineData(3u, "11 11", StatusCode.InvalidArgument)]
    [InlineData(3u, "0", StatusCode.InvalidArgument)]
    [InlineData(1u, "11", StatusCode.InvalidArgument)]
    [InlineData(3u, "11", StatusCode.TargetExists)]
    public async Task Impossible_chains_are_refused_and_nothing_of_the_request_stays(uint id, string targets, StatusCode code)
    {
        Expect.Ok(await SetChains((1, [11, 12])));
        var version = _cluster.Primary.Routing.Version;
        var ids = targets.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(ulong.Parse).ToArray();
        Expect.Fails(code, await SetChains((9, [91]), (id, ids)));
        Assert.Equal(version, _cluster.Primary.Routing.Version);
        Assert.False(_cluster.Primary.Routing.Chains.ContainsKey(new ChainId(9)));
    }

    [Fact]
    public async Task Chain_tables_keep_their_history()
    {
        Expect.Ok(await SetChains((1, [11]), (2, [21]), (3, [31, 32])));
        Assert.Equal(1u, Expect.Ok(await SetTable("one", 1)).Value);
        Assert.Equal(2u, Expect.Ok(await SetTable("", 1, 2)).Value);
        Assert.Equal(2u, Expect.Ok(await SetTable("other words", 1, 2)).Value);
        Assert.Equal(3u, Expect.Ok(await SetTable("", 2, 1)).Value);
        var routing = _cluster.Primary.Routing;
        Assert.Equal([new ChainId(1)], routing.ChainTable(new ChainTableId(1), new ChainTableVersion(1))!.Chains.ToArray());
        Assert.Equal([new ChainId(2), new ChainId(1)], routing.ChainTable(new ChainTableId(1))!.Chains.ToArray());
        Assert.Equal("one", routing.ChainTable(new ChainTableId(1))!.Description);

        Expect.Fails(StatusCode.ChainNotFound, (await SetTable("", 7)).Status);
        Expect.Fails(StatusCode.InvalidArgument, (await SetTable("", 1, 1)).Status, "twice");
        Expect.Fails(StatusCode.InvalidArgument, (await SetTable("", 1, 3)).Status, "2 targets");
        Expect.Fails(StatusCode.InvalidArgument, (await SetTable("")).Status);
    }

    [Fact]
    public async Task Targets_are_added_offline_and_removed_unless_a_chain_waits_for_them()
    {
        Expect.Ok(await SetChains((1, [11]), (2, [21])));
        var added = Expect.Ok(await Service.AddTargetAsync("test", new ChainId(1), new TargetId(12), default, default));
        Assert.Equal((2u, TargetState.Offline), (added.Version.Value, added.Targets[1].State));
        Expect.Fails(StatusCode.TargetExists, (await Service.AddTargetAsync("test", new ChainId(1), new TargetId(21), default, default)).Status, "chain 2");
        Expect.Fails(StatusCode.ChainNotFound, (await Service.AddTargetAsync("test", new ChainId(9), new TargetId(13), default, default)).Status);
        Expect.Fails(StatusCode.InvalidArgument, (await Service.AddTargetAsync("test", new ChainId(1), default, default, default)).Status);

        Expect.Fails(StatusCode.InvalidArgument, (await Service.RemoveTargetAsync("test", new ChainId(1), new TargetId(11), default)).Status, "LastServing");
        Expect.Fails(StatusCode.TargetNotFound, (await Service.RemoveTargetAsync("test", new ChainId(1), new TargetId(21), default)).Status);
        var removed = Expect.Ok(await Service.RemoveTargetAsync("test", new ChainId(1), new TargetId(12), default));
        Assert.Equal(3u, removed.Version.Value);
        Expect.Ok(await Service.AddTargetAsync("test", new ChainId(2), new TargetId(12), default, default));
    }

    [Fact]
    public async Task Giving_up_the_last_serving_target_hands_the_chain_to_the_next()
    {
        Expect.Ok(await SetChains((1, [11, 12])));
        var rotated = Expect.Ok(await Service.RotateLastServingAsync("test", new ChainId(1), default));
        Assert.Equal([new(new TargetId(12), TargetState.LastServing), new(new TargetId(11), TargetState.Offline)], rotated.Targets.ToArray());
        Assert.Equal(rotated, _cluster.Chain(1));
        Expect.Fails(StatusCode.ChainNotFound, (await Service.RotateLastServingAsync("test", new ChainId(2), default)).Status);
    }

    [Fact]
    public async Task A_preferred_order_is_kept()
    {
        Expect.Ok(await SetChains((1, [11, 12])));
        var order = Expect.Ok(await Service.SetPreferredOrderAsync("test", new ChainId(1), [new TargetId(12), new TargetId(11)], default));
        Assert.Equal(1u, order.Version.Value);
        Assert.Equal(order, _cluster.Chain(1));
        Expect.Fails(
            StatusCode.InvalidArgument,
            (await Service.SetPreferredOrderAsync("test", new ChainId(1), [new TargetId(13)], default)).Status, "13");
        var added = Expect.Ok(await Service.AddTargetAsync("test", new ChainId(1), new TargetId(13), default, default));
        Assert.Equal(new TargetId(13), added.PreferredOrder[^1]);
    }

    [Fact]
    public async Task Orphans_are_listed_until_they_vanish_or_join_a_chain()
    {
        await Beat(5, 1, SimCluster.Target(11, LocalTargetState.Online, 0), SimCluster.Target(12, LocalTargetState.Online, 0));
        Assert.Equal([11, 12], Expect.Ok(await Service.ListOrphanTargetsAsync("test", default)).Select(t => t.Id.Value));
        Assert.Equal(2, Service.OrphanCount);
        Expect.Ok(await SetChains((1, [12])));
        Assert.Equal([11], Expect.Ok(await Service.ListOrphanTargetsAsync("test", default)).Select(t => t.Id.Value));
        await Beat(5, 2, SimCluster.Target(12, LocalTargetState.Online, 1));
        Assert.Empty(Expect.Ok(await Service.ListOrphanTargetsAsync("test", default)));
    }

    [Fact]
    public async Task Configurations_are_versioned_by_kind_and_handed_out_with_heartbeats()
    {
        Assert.Null(Expect.Ok(await Service.GetConfigAsync("test", NodeKind.Meta, default)));
        Assert.Equal(1u, Expect.Ok(await Service.SetConfigAsync("test", NodeKind.Meta, "a = 1", "first", default)));
        Assert.Equal(1u, Expect.Ok(await Service.SetConfigAsync("test", NodeKind.Meta, "a = 1", "first", default)));
        Assert.Equal(2u, Expect.Ok(await Service.SetConfigAsync("test", NodeKind.Meta, "a = 2", "second", default)));
        Assert.Equal("a = 2", Expect.Ok(await Service.GetConfigAsync("test", NodeKind.Meta, default))?.Content);
        Assert.Equal(2u, Expect.Ok(await Send(5, 1)).NewConfig?.Version);
        Assert.Null(Expect.Ok(await Service.HeartbeatAsync("test", _cluster.Heartbeat(5, 2) with { ConfigVersion = 2 }, default)).NewConfig);
        Expect.Fails(
            StatusCode.VersionFromFuture, (await Service.HeartbeatAsync("test", _cluster.Heartbeat(5, 3) with { ConfigVersion = 3 }, default)).Status);
        Expect.Fails(StatusCode.InvalidArgument, (await Service.SetConfigAsync("test", NodeKind.Meta, new string('x', 100_000), "", default)).Status);
        Expect.Fails(StatusCode.InvalidArgument, (await Service.GetConfigAsync("test", (NodeKind)7, default)).Status);
    }

    [Fact]
    public async Task Client_sessions_live_as_long_as_they_are_extended()
    {
        var session = new ClientSession(new ClientId(new Guid(1, 2, 3, new byte[8])), "h", "fuse", 9, _cluster.Time.GetUtcNow(), default);
        Expect.Ok(await Service.ExtendClientSessionAsync("test", session, default));
        var listed = Expect.Ok(await Service.ListClientSessionsAsync("test", default));
        Assert.True(listed.Bootstrapping);
        Assert.Equal(session with { LastExtended = _cluster.Time.GetUtcNow() }, Assert.Single(listed.Sessions));

        await _cluster.PassAsync(TimeSpan.FromSeconds(40));
        Expect.Ok(await Service.ExtendClientSessionAsync("test", session, default));
        await _cluster.PassAsync(TimeSpan.FromSeconds(59));
        listed = Expect.Ok(await Service.ListClientSessionsAsync("test", default));
        Assert.False(listed.Bootstrapping);
        Assert.Single(listed.Sessions);
        await _cluster.PassAsync(TimeSpan.FromSeconds(2));
        Assert.Empty(Expect.Ok(await Service.ListClientSessionsAsync("test", default)).Sessions);

        Expect.Ok(await Service.ExtendClientSessionAsync("test", session, default));
        Expect.Fails(StatusCode.InvalidArgument, await Service.ExtendClientSessionAsync("test", session with { ProcessId = 10 }, default), "another process");
        Expect.Fails(StatusCode.InvalidArgument, await Service.ExtendClientSessionAsync("test", session with { Id = default }, default));
    }

    [Fact]
    public async Task Routing_is_answered_only_when_newer_and_waited_for_when_asked()
    {
        var all = Expect.Ok(await Service.GetRoutingAsync("test", default, default))!;
        Assert.Null(Expect.Ok(await Service.GetRoutingAsync("test", all.Version, default)));
        Expect.Fails(StatusCode.VersionFromFuture, (await Service.GetRoutingAsync("test", all.Version.Next, default)).Status);

        var waiting = Service.GetRoutingAsync("test", all.Version, TimeSpan.FromSeconds(5), default).AsTask();
        Assert.False(waiting.IsCompleted);
        Expect.Ok(await SetChains((1, [11])));
        var newer = Expect.Ok(await waiting)!;
        Assert.True(newer.Version > all.Version);
        Assert.Single(newer.Chains);

        waiting = Service.GetRoutingAsync("test", newer.Version, TimeSpan.FromSeconds(5), default).AsTask();
        _cluster.Time.Advance(TimeSpan.FromSeconds(1));
        await _cluster.Primary.BeatAsync();
        Assert.False(waiting.IsCompleted);
        for (var i = 0; i < 5; i++)
        {
            _cluster.Time.Advance(TimeSpan.FromSeconds(1));
            await _cluster.Primary.BeatAsync();
        }

        Assert.Null(Expect.Ok(await waiting));
    }

    [Fact]
    public async Task Whoever_waits_for_routing_is_sent_away_when_the_term_ends()
    {
        var all = Expect.Ok(await Service.GetRoutingAsync("test", default, default))!;
        var waiting = Service.GetRoutingAsync("test", all.Version, TimeSpan.FromSeconds(5), default).AsTask();
        Service.Core.Lease.Resign();
        await _cluster.Primary.BeatAsync();
        Expect.Fails(StatusCode.NotPrimary, (await waiting).Status);
    }

    [Fact]
    public async Task Everything_stored_is_there_after_a_take_over()
    {
        await Beat(5, 1, SimCluster.Target(11, LocalTargetState.Online, 0));
        Expect.Ok(await SetChains((1, [11, 12])));
        Expect.Ok(await SetTable("t", 1));
        Expect.Ok(await Service.SetConfigAsync("test", NodeKind.Storage, "x = 1", "", default));
        Expect.Ok(await Service.SetNodeTagsAsync("test", new NodeId(5), Tags(("Zone", "a")), default));
        await _cluster.Primary.UpdateChainsAsync();
        var before = _cluster.Primary.Routing;

        await using var second = new SimMgmtd(2, _cluster.Kv, _cluster.Time);
        await second.BeatAsync();
        _cluster.Time.Advance(second.Options.Timing.PrimaryLease);
        await second.BeatAsync();
        Assert.True(second.IsPrimary);
        var after = second.Routing;
        Assert.True(after.Version > before.Version);
        Assert.Equal(before.Chains.Values.ToArray(), after.Chains.Values.ToArray());
        Assert.Equal(before.ChainTables.ToArray(), after.ChainTables.ToArray());
        Assert.Equal("a", after.Nodes[new NodeId(5)].Tags["Zone"]);
        Assert.Equal(new NodeId(5), after.Targets[new TargetId(11)].Node);
        Assert.Equal(before.Nodes[new NodeId(5)].Endpoints.ToArray(), after.Nodes[new NodeId(5)].Endpoints.ToArray());
        Assert.Equal("x = 1", Expect.Ok(await second.Service.GetConfigAsync("test", NodeKind.Storage, default))?.Content);
    }

    private async Task Beat(uint node, ulong sequence, params LocalTarget[] targets) => Expect.Ok(await Send(node, sequence, targets));

    private ValueTask<Result<HeartbeatReply>> Send(uint node, ulong sequence, params LocalTarget[] targets) =>
        Service.HeartbeatAsync("test", _cluster.Heartbeat(node, sequence, targets), default);

    private ValueTask<Status> SetChains(params (uint Id, ulong[] Targets)[] chains) => Service.SetChainsAsync(
        "test", [.. chains.Select(c => new ChainSetting(new ChainId(c.Id), [.. c.Targets.Select(t => new TargetId(t))], []))], default);

    private ValueTask<Result<ChainTableVersion>> SetTable(string description, params uint[] chains) => Service.SetChainTableAsync(
        "test", new ChainTableId(1), [.. chains.Select(c => new ChainId(c))], description, default);

    private static ImmutableSortedDictionary<string, string> Tags(params (string Key, string Value)[] tags) =>
        tags.ToImmutableSortedDictionary(t => t.Key, t => t.Value, StringComparer.Ordinal);
}
