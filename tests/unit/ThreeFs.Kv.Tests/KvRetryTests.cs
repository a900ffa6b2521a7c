using Microsoft.Extensions.Time.Testing;
using ThreeFs.Base;

namespace ThreeFs.Kv.Tests;

public sealed class KvRetryTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly ScriptedKvFaults _faults = new();
    private readonly FaultyKvEngine _engine;

    public KvRetryTests() => _engine = new FaultyKvEngine(new MemoryKvEngine(_time), _faults, _time);

    [Fact]
    public async Task Maybe_committed_is_repeated_and_told_to_the_body()
    {
        foreach (var fault in new[] { KvFault.MaybeCommittedApplied, KvFault.MaybeCommittedLost })
        {
            _faults.EnqueueCommit(fault);
            var seen = new List<(int Number, bool May, bool Exists)>();
            var key = new[] { (byte)fault };
            Assert.True((await RunAsync(new KvRetry(_engine, _time, new SeededRandom(1)), async attempt =>
            {
                var value = await attempt.Transaction.GetAsync(key);
                seen.Add((attempt.Number, attempt.MayHaveCommitted, value.Value.Exists));
                attempt.Transaction.Set(key, "1"u8);
                return Status.Ok;
            })).IsOk);
            Assert.Equal([(0, false, false), (1, true, fault == KvFault.MaybeCommittedApplied)], seen);
        }
    }

    [Fact]
    public async Task Maybe_committed_is_returned_when_asked()
    {
        _faults.EnqueueCommit(KvFault.MaybeCommittedApplied);
        var retry = new KvRetry(_engine, _time, new SeededRandom(1), new() { RetryMaybeCommitted = false });
        Assert.Equal(StatusCode.TxMaybeCommitted, (await RunAsync(retry, Write)).Code);
    }

    [Fact]
    public async Task Repeats_are_bounded_and_return_the_last_failure()
    {
        var attempts = 0;
        var retry = new KvRetry(_engine, _time, new SeededRandom(1), new() { MaxRetries = 4 });
        var status = await RunAsync(retry, attempt =>
        {
            Assert.Equal(attempts++, attempt.Number);
            return new(new Status(StatusCode.TxThrottled, $"{attempt.Number}"));
        });
        Assert.Equal(new Status(StatusCode.TxThrottled, "4"), status);
        Assert.Equal(5, attempts);
    }

    [Theory]
    [InlineData(StatusCode.NotFound)]
    [InlineData(StatusCode.TxTooLarge)]
    [InlineData(StatusCode.Internal)]
    public async Task Other_failures_go_to_the_caller_uncommitted(StatusCode code)
    {
        var attempts = 0;
        var status = await RunAsync(new KvRetry(_engine, _time, new SeededRandom(1)), attempt =>
        {
            attempts++;
            attempt.Transaction.Set("a"u8, "1"u8);
            return new(code);
        });
        Assert.Equal((code, 1), (status.Code, attempts));
        using var reader = _engine.BeginReadOnly();
        Assert.False((await reader.GetAsync("a"u8)).Value.Exists);
    }

    [Fact]
    public void Pauses_double_up_to_the_maximum_with_jitter()
    {
        var retry = new KvRetry(
            _engine,
            _time,
            new SeededRandom(1),
            new() { MaxBackoff = TimeSpan.FromMilliseconds(100) });
        int[] expected = [10, 20, 40, 80, 100, 100];
        for (var i = 0; i < expected.Length; i++)
            Assert.InRange(
                retry.PauseBefore(i, StatusCode.TxThrottled).TotalMilliseconds,
                expected[i] * 0.8,
                expected[i] * 1.2);
        Assert.Equal(TimeSpan.Zero, retry.PauseBefore(0, StatusCode.TxConflict));
        Assert.Equal(TimeSpan.Zero, retry.PauseBefore(1, StatusCode.TxConflict));
        Assert.InRange(retry.PauseBefore(2, StatusCode.TxConflict).TotalMilliseconds, 8, 12);
    }

    [Fact]
    public async Task A_cancelled_pause_ends_the_run()
    {
        using var cancel = new CancellationTokenSource();
        var run = new KvRetry(_engine, _time, new SeededRandom(1)).RunAsync(
            _ => new(new Status(StatusCode.TxThrottled)), KvDurability.Relaxed, cancel.Token).AsTask();
        Assert.False(run.IsCompleted);
        cancel.Cancel();
        Assert.Equal(StatusCode.Cancelled, (await run).Code);
    }

    [Fact]
    public async Task Reads_are_repeated_on_a_newer_snapshot()
    {
        _faults.EnqueueRead(KvFault.TooOld);
        var attempts = 0;
        var run = new KvRetry(_engine, _time, new SeededRandom(1)).ReadAsync<bool>(async reader =>
        {
            attempts++;
            var value = await reader.GetAsync("a"u8);
            return value.IsOk ? value.Value.Exists : value.Status;
        }).AsTask();
        await AdvanceUntilAsync(run);
        Assert.False((await run).Value);
        Assert.Equal(2, attempts);
    }

    /// <summary>A counter kept exact by idempotent repetition under every fault there is.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task A_body_that_recognises_its_own_effects_runs_exactly_once_under_faults(ulong seed)
    {
        var random = new SeededRandom(seed);
        var faults = new SeededKvFaults(random.Fork())
        {
            ReadTooOld = 0.05, ReadThrottled = 0.05, CommitConflict = 0.1, CommitTooOld = 0.05, CommitThrottled = 0.05,
            CommitMaybeCommitted = 0.3, MinDelay = TimeSpan.FromMilliseconds(1), MaxDelay = TimeSpan.FromMilliseconds(20),
        };
        var engine = new FaultyKvEngine(new MemoryKvEngine(_time), faults, _time);
        var retry = new KvRetry(engine, _time, random, new() { MaxRetries = 100 });
        var runs = Enumerable.Range(0, 60).Select(id => RunAsync(retry, async attempt =>
        {
            byte[] mark = [1, (byte)id];
            var done = await attempt.Transaction.GetAsync(mark);
            if (!done.IsOk) return done.Status;
            if (done.Value.Exists)
                return attempt.MayHaveCommitted ? Status.Ok : new Status(StatusCode.Internal, "seen without a reason");
            attempt.Transaction.Set(mark, [1]);
            attempt.Transaction.AtomicAdd("n"u8, 1);
            return Status.Ok;
        })).ToArray();
        await AdvanceUntilAsync(Task.WhenAll(runs));
        foreach (var run in runs) Assert.True((await run).IsOk, $"seed {seed}: {await run}");
        Assert.True(faults.Injected > 20, $"seed {seed}: too few faults to mean anything");
        var reader = engine.BeginReadOnly();
        var read = retry.ReadAsync<ulong>(async tx => await tx.GetAsync("n"u8) is { IsOk: true } n ? n.Value.ReadCounter() : StatusCode.TxTooOld).AsTask();
        await AdvanceUntilAsync(read);
        Assert.Equal(60u, (await read).Value);
    }

    private static ValueTask<Status> Write(KvAttempt attempt)
    {
        attempt.Transaction.Set("a"u8, "1"u8);
        return new(Status.Ok);
    }

    private async Task<Status> RunAsync(KvRetry retry, Func<KvAttempt, ValueTask<Status>> body)
    {
        var run = retry.RunAsync(body).AsTask();
        await AdvanceUntilAsync(run);
        return await run;
    }

    /// <summary>Gives way between the steps: what is waited for may continue on the thread that this runs on.</summary>
    private async Task AdvanceUntilAsync(Task done)
    {
        while (!done.IsCompleted)
        {
            _time.Advance(TimeSpan.FromMilliseconds(5));
            await Task.Yield();
        }
    }
}
