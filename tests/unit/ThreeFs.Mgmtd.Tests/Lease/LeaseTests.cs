using Microsoft.Extensions.Time.Testing;
using ThreeFs.Base;
using ThreeFs.Contracts.Routing;
using ThreeFs.Kv;
using ThreeFs.Mgmtd.Records;
using ThreeFs.Mgmtd.Tests.Support;

namespace ThreeFs.Mgmtd.Tests.Lease;

/// <summary>Who is primary, with two mgmtds on one store, in virtual time.</summary>
public sealed class LeaseTests : IAsyncLifetime
{
    private static readonly MgmtdTiming _timing = new();
    private readonly FakeTimeProvider _time = new();
    private readonly MemoryKvEngine _kv;
    private readonly SimMgmtd _a;
    private readonly SimMgmtd _b;

    public LeaseTests()
    {
        _kv = new MemoryKvEngine(_time);
        _a = new SimMgmtd(1, _kv, _time);
        _b = new SimMgmtd(2, _kv, _time);
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        await _a.DisposeAsync();
        await _b.DisposeAsync();
    }

    [Fact]
    public async Task The_first_takes_a_free_lease_and_the_second_stands_by()
    {
        await _a.BeatAsync();
        await _b.BeatAsync();
        Assert.Equal((true, false), (_a.IsPrimary, _b.IsPrimary));
        Assert.Equal(1u, _a.Service.Term);
    }

    [Fact]
    public async Task A_primary_that_beats_is_never_replaced()
    {
        for (var i = 0; i < 100; i++)
        {
            await _a.BeatAsync();
            await _b.BeatAsync();
            _time.Advance(_timing.PrimaryBeat);
            Assert.Equal((true, false), (_a.IsPrimary, _b.IsPrimary));
        }

        Assert.Equal(1u, _a.Service.Term);
    }

    [Fact]
    public async Task The_second_takes_over_when_it_has_seen_the_same_beat_for_a_lease_and_not_before()
    {
        await _a.BeatAsync();
        await _b.BeatAsync();
        _time.Advance(_timing.PrimaryLease - TimeSpan.FromMilliseconds(1));
        await _b.BeatAsync();
        Assert.False(_b.IsPrimary);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        await _b.BeatAsync();
        Assert.True(_b.IsPrimary);
        Assert.Equal(2u, _b.Service.Term);
    }

    [Fact]
    public async Task A_silent_primary_stops_trusting_itself_before_anybody_could_take_over()
    {
        await _a.BeatAsync();
        await _b.BeatAsync();
        var step = TimeSpan.FromMilliseconds(10);
        for (var t = TimeSpan.Zero; t < _timing.PrimaryLease * 2; t += step)
        {
            _time.Advance(step);
            await _b.BeatAsync();
            Assert.False(_a.IsPrimary && _b.IsPrimary, $"two primaries {t} after the last beat");
        }

        Assert.Equal((false, true), (_a.IsPrimary, _b.IsPrimary));
    }

    [Fact]
    public async Task A_deposed_primary_cannot_commit_even_if_its_clock_stands_still()
    {
        var frozen = new FakeTimeProvider();
        await using var a = new SimMgmtd(1, _kv, frozen);
        await a.BeatAsync();
        await _b.BeatAsync();
        _time.Advance(_timing.PrimaryLease);
        await _b.BeatAsync();
        Assert.Equal((true, true), (a.IsPrimary, _b.IsPrimary));

        var status = await a.Service.RegisterNodeAsync("test", new NodeId(77), NodeKind.Meta, default);
        Expect.Fails(StatusCode.NotPrimary, status, _b.Endpoint.ToString());
        Assert.False(a.IsPrimary);
        Expect.Ok(await _b.Service.RegisterNodeAsync("test", new NodeId(77), NodeKind.Meta, default));
    }

    [Fact]
    public async Task A_restarted_primary_takes_its_own_lease_at_once_and_waits_longer_before_calling_anybody_dead()
    {
        await _a.BeatAsync();
        await using var again = new SimMgmtd(1, _kv, _time, pid: 4711);
        await again.BeatAsync();
        Assert.True(again.IsPrimary);
        Assert.Equal(2u, again.Service.Term);
        await _a.BeatAsync();
        Assert.False(_a.IsPrimary);

        _time.Advance(_timing.FailureTimeout);
        Assert.False(again.Service.Core.Read(term => term.GraceIsOver) is { IsOk: true, Value: true });
    }

    [Fact]
    public async Task A_primary_that_stops_orderly_is_replaced_at_once()
    {
        var a = new SimMgmtd(3, _kv, _time);
        await a.BeatAsync();
        await _b.BeatAsync();
        await a.DisposeAsync();
        await _b.BeatAsync();
        Assert.True(_b.IsPrimary);
    }

    [Fact]
    public async Task Trust_that_lapsed_and_came_back_is_a_new_term()
    {
        await _a.BeatAsync();
        _time.Advance(_timing.PrimaryLease);
        Assert.False(_a.IsPrimary);
        await _a.BeatAsync();
        Assert.False(_a.IsPrimary);
        await _a.BeatAsync();
        Assert.True(_a.IsPrimary);
        Assert.Equal(2u, _a.Service.Term);
    }

    [Fact]
    public async Task Two_challengers_of_an_expired_lease_cannot_both_win()
    {
        await using var c = new SimMgmtd(3, _kv, _time);
        await _a.BeatAsync();
        await _b.BeatAsync();
        await c.BeatAsync();
        _time.Advance(_timing.PrimaryLease);
        await Task.WhenAll(_b.BeatAsync(), c.BeatAsync());
        Assert.True(_b.IsPrimary ^ c.IsPrimary);
    }

    [Fact]
    public async Task Nobody_is_primary_while_the_store_fails_and_the_old_one_is_again_afterwards()
    {
        var faulty = new BrokenKv(_kv);
        await using var a = new SimMgmtd(5, faulty, _time);
        await a.BeatAsync();
        Assert.True(a.IsPrimary);
        faulty.IsBroken = true;
        var stepping = a.BeatAsync();
        for (var i = 0; i < 200 && !stepping.IsCompleted; i++) _time.Advance(TimeSpan.FromMilliseconds(100));
        await stepping;
        Assert.False(a.IsPrimary);
        faulty.IsBroken = false;
        await a.BeatAsync();
        await a.BeatAsync();
        Assert.True(a.IsPrimary);
    }

    [Fact]
    public async Task A_disabled_mgmtd_does_not_challenge()
    {
        await _a.BeatAsync();
        Expect.Ok(await _a.Service.RegisterNodeAsync("test", new NodeId(2), NodeKind.Mgmtd, default));
        Expect.Ok(await _a.Service.SetNodeEnabledAsync("test", new NodeId(2), false, default));
        await _b.BeatAsync();
        _time.Advance(_timing.PrimaryLease);
        await _b.BeatAsync();
        Assert.False(_b.IsPrimary);
    }

    [Fact]
    public async Task Those_who_stand_by_know_the_primary()
    {
        Assert.Null(Expect.Ok(await _b.Service.GetPrimaryAsync("test", default)));
        await _a.BeatAsync();
        await _b.BeatAsync();
        var told = Expect.Ok(await _b.Service.GetPrimaryAsync("test", default));
        Assert.Equal(new NodeId(1), told?.Id);
        var refused = await _b.Service.GetRoutingAsync("test", default, default);
        Expect.Fails(StatusCode.NotPrimary, refused.Status, _a.Endpoint.ToString());
        Expect.Fails(StatusCode.ClusterMismatch, (await _b.Service.GetPrimaryAsync("other", default)).Status, "\"test\"");
    }
}

/// <summary>A store that can be switched off: every transaction fails as unreachable.</summary>
internal sealed class BrokenKv(IKvEngine inner) : IKvEngine
{
    public bool IsBroken { get; set; }

    public IKvTransaction BeginTransaction() => IsBroken ? Dead() : inner.BeginTransaction();

    public IKvReadTransaction BeginReadOnly() => IsBroken ? Dead() : inner.BeginReadOnly();

    public ValueTask<Status> FlushAsync(CancellationToken ct = default) => inner.FlushAsync(ct);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private DeadTransaction Dead() => new(inner.BeginTransaction());

    private sealed class DeadTransaction(IKvTransaction inner) : IKvTransaction
    {
        private static readonly Status _dead = new(StatusCode.TxUnreachable, "switched off");

        public KvVersion CommittedVersion => default;
        public Versionstamp CommittedStamp => default;

        public ValueTask<Result<KvVersion>> GetReadVersionAsync(CancellationToken ct = default) => new(_dead);
        public ValueTask<Result<KvValue>> GetAsync(ReadOnlySpan<byte> key, bool snapshot = false, CancellationToken ct = default) => new(_dead);
        public ValueTask<Result<KvPage>> GetRangeAsync(
            ReadOnlySpan<byte> begin, ReadOnlySpan<byte> end, int limit = 0, bool reverse = false, bool snapshot = false, CancellationToken ct = default) => new(_dead);
        public ValueTask<Status> CommitAsync(KvDurability durability = KvDurability.Durable, CancellationToken ct = default) => new(_dead);
        public void Set(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) { }
        public void Clear(ReadOnlySpan<byte> key) { }
        public void ClearRange(ReadOnlySpan<byte> begin, ReadOnlySpan<byte> end) { }
        public void Mutate(KvMutation mutation, ReadOnlySpan<byte> key, ReadOnlySpan<byte> operand) { }
        public void SetVersionstampedKey(ReadOnlySpan<byte> key, int offset, ReadOnlySpan<byte> value) { }
        public void SetVersionstampedValue(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, int offset) { }
        public void AddReadConflictKey(ReadOnlySpan<byte> key) { }
        public void AddReadConflictRange(ReadOnlySpan<byte> begin, ReadOnlySpan<byte> end) { }
        public void AddWriteConflictKey(ReadOnlySpan<byte> key) { }
        public void AddWriteConflictRange(ReadOnlySpan<byte> begin, ReadOnlySpan<byte> end) { }
        public void Cancel() { }
        public void Dispose() => inner.Dispose();
    }
}
