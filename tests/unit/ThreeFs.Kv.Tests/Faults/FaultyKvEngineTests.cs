using Microsoft.Extensions.Time.Testing;
using ThreeFs.Base;

namespace ThreeFs.Kv.Tests.Faults;

public sealed class FaultyKvEngineTests
{
    private readonly FakeTimeProvider _time = new();

    [Theory]
    [InlineData(KvFault.Conflict, StatusCode.TxConflict, false)]
    [InlineData(KvFault.TooOld, StatusCode.TxTooOld, false)]
    [InlineData(KvFault.Throttled, StatusCode.TxThrottled, false)]
    [InlineData(KvFault.MaybeCommittedLost, StatusCode.TxMaybeCommitted, false)]
    [InlineData(KvFault.MaybeCommittedApplied, StatusCode.TxMaybeCommitted, true)]
    [InlineData(KvFault.None, StatusCode.Ok, true)]
    public async Task Commit_faults_answer_and_apply_as_named(KvFault fault, StatusCode code, bool applied)
    {
        var inner = new MemoryKvEngine(_time);
        var engine = new FaultyKvEngine(inner, new ScriptedKvFaults(fault), _time);
        using var transaction = engine.BeginTransaction();
        transaction.Set("a"u8, "1"u8);
        Assert.Equal(code, (await transaction.CommitAsync()).Code);
        using var reader = inner.BeginReadOnly();
        Assert.Equal(applied, (await reader.GetAsync("a"u8)).Value.Exists);
    }

    [Fact]
    public async Task Nothing_to_commit_meets_no_fault()
    {
        var engine = new FaultyKvEngine(new MemoryKvEngine(_time), new ScriptedKvFaults(KvFault.Conflict), _time);
        using var transaction = engine.BeginTransaction();
        Assert.True((await transaction.CommitAsync()).IsOk);
    }

    [Fact]
    public async Task Read_faults_leave_the_transaction_usable()
    {
        var faults = new ScriptedKvFaults();
        var engine = new FaultyKvEngine(new MemoryKvEngine(_time), faults, _time);
        faults.EnqueueRead(KvFault.Throttled);
        using var transaction = engine.BeginTransaction();
        Assert.Equal(StatusCode.TxThrottled, (await transaction.GetAsync("a"u8)).Code);
        Assert.True((await transaction.GetAsync("a"u8)).IsOk);
    }

    [Fact]
    public async Task Delays_run_on_the_injected_clock()
    {
        var faults = new SeededKvFaults(new SeededRandom(1)) { MinDelay = TimeSpan.FromSeconds(1), MaxDelay = TimeSpan.FromSeconds(2) };
        var engine = new FaultyKvEngine(new MemoryKvEngine(_time), faults, _time);
        using var transaction = engine.BeginTransaction();
        var read = transaction.GetAsync("a"u8).AsTask();
        _time.Advance(TimeSpan.FromMilliseconds(999));
        Assert.False(read.IsCompleted);
        _time.Advance(TimeSpan.FromMilliseconds(1001));
        Assert.True((await read).IsOk);
    }

    [Fact]
    public void One_seed_is_one_sequence_and_the_number_of_faults_is_bounded()
    {
        static SeededKvFaults Make() =>
            new(new SeededRandom(9)) { CommitConflict = 0.3, CommitMaybeCommitted = 0.3, MaxFaults = 40 };
        var (one, two) = (Make(), Make());
        var first = Enumerable.Range(0, 1000).Select(_ => one.OnCommit()).ToArray();
        Assert.Equal(first, Enumerable.Range(0, 1000).Select(_ => two.OnCommit()));
        Assert.Equal(40, first.Count(fault => fault != KvFault.None));
        Assert.Contains(KvFault.MaybeCommittedApplied, first);
        Assert.Contains(KvFault.MaybeCommittedLost, first);
    }
}
