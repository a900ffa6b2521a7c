using System.Collections.Immutable;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using ThreeFs.Base;
using ThreeFs.Client.Mgmtd;
using ThreeFs.Contracts.Mgmtd;
using ThreeFs.Contracts.Routing;
using ThreeFs.Mgmtd.Tests.Support;

namespace ThreeFs.Mgmtd.Tests.Client;

public sealed class HeartbeatLoopTests : IAsyncLifetime
{
    private static readonly TimeSpan _lease = TimeSpan.FromSeconds(2);
    private readonly FakeTimeProvider _time = new();
    private readonly ScriptedMgmtd _mgmtd = new();
    private readonly List<ConfigInfo> _configs = [];
    private readonly HeartbeatLoop _loop;
    private LocalTargetState _state = LocalTargetState.Online;

    public HeartbeatLoopTests()
    {
        var options = new HeartbeatOptions("c", new NodeId(7), NodeKind.Storage, "h", 1, [])
        {
            CollectTargets = () => new(ImmutableArray.Create(new LocalTarget(new TargetId(1), _state, default, 0, 0, 0, false))),
            OnConfig = config =>
            {
                _configs.Add(config);
                return true;
            },
        };
        _loop = new HeartbeatLoop(options, _mgmtd, _time, NullLoggerFactory.Instance);
    }

    public Task InitializeAsync() => NoContext.RunAsync(() =>
    {
        _loop.Start();
        return Task.CompletedTask;
    });

    public async Task DisposeAsync() => await _loop.DisposeAsync();

    [Fact]
    public Task The_lease_counts_from_the_sending() => NoContext.RunAsync(async () =>
    {
        var beat = await _mgmtd.Heartbeat();
        Assert.False(_loop.HasLease);
        _time.Advance(TimeSpan.FromMilliseconds(900));
        beat.Answer(Reply());
        Assert.True(_loop.HasLease);
        Assert.Equal(TimeSpan.FromMilliseconds(1100), _loop.LeaseLeft);
        _time.Advance(TimeSpan.FromMilliseconds(1099));
        Assert.True(_loop.HasLease);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.False(_loop.HasLease);
        Assert.Equal(TimeSpan.Zero, _loop.LeaseLeft);
    });

    [Fact]
    public Task A_lease_that_begins_anew_is_for_who_knows_what_mgmtd_knew_then() => NoContext.RunAsync(async () =>
    {
        (await _mgmtd.Heartbeat()).Answer(Reply(routing: 5));
        Assert.Equal(5u, _loop.LeaseRouting.Value);
        _time.Advance(TimeSpan.FromMilliseconds(500));
        var lost = await _mgmtd.Heartbeat();
        lost.Answer(Reply(routing: 6)); // mgmtd replaces nobody whose lease goes on
        Assert.Equal(5u, _loop.LeaseRouting.Value);
        _time.Advance(TimeSpan.FromMilliseconds(500));
        var late = await _mgmtd.Heartbeat();
        _time.Advance(TimeSpan.FromMilliseconds(1500));
        Assert.False(_loop.HasLease);
        var next = await _mgmtd.Heartbeat();
        next.Answer(Reply(routing: 8));
        Assert.Equal((true, 8u), (_loop.HasLease, _loop.LeaseRouting.Value));
        Assert.True(late.Token.IsCancellationRequested);
    });

    [Fact]
    public Task A_refused_heartbeat_extends_nothing() => NoContext.RunAsync(async () =>
    {
        (await _mgmtd.Heartbeat()).Answer(Reply());
        var end = _loop.LeaseValidUntil;
        _time.Advance(TimeSpan.FromMilliseconds(500));
        (await _mgmtd.Heartbeat()).Answer(new Status(StatusCode.NodeDisabled));
        Assert.Equal(end, _loop.LeaseValidUntil);
        Assert.Equal(1, _loop.Accepted);
    });

    [Fact]
    public Task Heartbeats_come_at_the_interval_with_rising_sequence() => NoContext.RunAsync(async () =>
    {
        for (ulong i = 1; i <= 5; i++)
        {
            var beat = await _mgmtd.Heartbeat();
            Assert.Equal(i, ((Heartbeat)beat.Asked).Sequence);
            beat.Answer(Reply());
            _time.Advance(TimeSpan.FromMilliseconds(499));
            Assert.False(_mgmtd.HasHeartbeat);
            _time.Advance(TimeSpan.FromMilliseconds(1));
        }
    });

    [Fact]
    public Task An_unanswered_heartbeat_is_given_up_and_followed_by_another() => NoContext.RunAsync(async () =>
    {
        var lost = await _mgmtd.Heartbeat();
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(lost.Token.IsCancellationRequested);
        var next = await _mgmtd.Heartbeat();
        Assert.Equal(2u, ((Heartbeat)next.Asked).Sequence);
    });

    [Fact]
    public Task A_kick_tells_the_new_state_at_once_and_a_storm_of_kicks_once_a_spacing() => NoContext.RunAsync(async () =>
    {
        (await _mgmtd.Heartbeat()).Answer(Reply());
        _state = LocalTargetState.UpToDate;
        for (var i = 0; i < 100; i++) _loop.Kick();
        Assert.False(_mgmtd.HasHeartbeat);
        _time.Advance(TimeSpan.FromMilliseconds(20));
        var beat = await _mgmtd.Heartbeat();
        Assert.Equal(LocalTargetState.UpToDate, ((Heartbeat)beat.Asked).Targets[0].State);
        beat.Answer(Reply());
        _time.Advance(TimeSpan.FromMilliseconds(20));
        Assert.False(_mgmtd.HasHeartbeat);
    });

    [Fact]
    public Task A_kick_while_a_heartbeat_is_under_way_is_not_lost() => NoContext.RunAsync(async () =>
    {
        var beat = await _mgmtd.Heartbeat();
        _loop.Kick();
        _time.Advance(TimeSpan.FromMilliseconds(20));
        beat.Answer(Reply());
        await _mgmtd.Heartbeat();
    });

    [Fact]
    public Task A_process_whose_clock_went_back_claims_later_starts_until_it_is_accepted() => NoContext.RunAsync(async () =>
    {
        var first = await _mgmtd.Heartbeat();
        var needed = ((Heartbeat)first.Asked).Generation + (ulong)TimeSpan.FromDays(1).Ticks;
        var beat = first;
        for (var tries = 0; ((Heartbeat)beat.Asked).Generation < needed; tries++)
        {
            Assert.True(tries < 20, "a day is claimed within 20 heartbeats");
            beat.Answer(new Status(StatusCode.HeartbeatStale));
            _time.Advance(TimeSpan.FromMilliseconds(500));
            beat = await _mgmtd.Heartbeat();
        }

        var generation = ((Heartbeat)beat.Asked).Generation;
        beat.Answer(Reply());
        _time.Advance(TimeSpan.FromMilliseconds(500));
        (await _mgmtd.Heartbeat()).Answer(new Status(StatusCode.HeartbeatStale));
        _time.Advance(TimeSpan.FromMilliseconds(500));
        var refused = await _mgmtd.Heartbeat();
        Assert.Equal(generation, ((Heartbeat)refused.Asked).Generation);
        refused.Answer(new Status(StatusCode.HeartbeatOutlived));
        _time.Advance(TimeSpan.FromMilliseconds(500));
        Assert.True(((Heartbeat)(await _mgmtd.Heartbeat()).Asked).Generation > generation);
    });

    [Fact]
    public Task A_configuration_is_applied_and_reported() => NoContext.RunAsync(async () =>
    {
        (await _mgmtd.Heartbeat()).Answer(new HeartbeatReply(default, _lease, new ConfigInfo(NodeKind.Storage, 3, "x", "")));
        _time.Advance(TimeSpan.FromMilliseconds(500));
        Assert.Equal(3u, ((Heartbeat)(await _mgmtd.Heartbeat()).Asked).ConfigVersion);
        Assert.Equal(3u, Assert.Single(_configs).Version);
    });

    private static HeartbeatReply Reply(ulong routing = 1) => new(new RoutingVersion(routing), _lease, null);
}
