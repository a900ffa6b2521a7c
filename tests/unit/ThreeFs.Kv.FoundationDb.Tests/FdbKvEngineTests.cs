using System.Text;
using ThreeFs.Base;
using ThreeFs.FdbStandIn;
using ThreeFs.Kv.FoundationDb.Native;

namespace ThreeFs.Kv.FoundationDb.Tests;

/// <summary>What the engine makes of the library's answers, beyond the contract suite.</summary>
[Collection(StandIn.Collection)]
public sealed class FdbKvEngineTests : IAsyncLifetime
{
    private readonly StandInCluster _cluster = new();
    private readonly Counts _counts = new();
    private FdbKvEngine _engine = null!;

    public async Task InitializeAsync() =>
        _engine = await _cluster.OpenAsync(_cluster.Options with { Observer = _counts });

    public async Task DisposeAsync()
    {
        await _engine.DisposeAsync();
        _cluster.Dispose();
        StandIn.AssertNothingHeld();
    }

    [Theory]
    [InlineData(1007, StatusCode.TxTooOld)]
    [InlineData(1009, StatusCode.TxThrottled)]
    [InlineData(1037, StatusCode.TxThrottled)]
    [InlineData(1213, StatusCode.TxThrottled)]
    [InlineData(1051, StatusCode.TxThrottled)]
    [InlineData(1031, StatusCode.TxUnreachable)]
    [InlineData(1039, StatusCode.TxUnreachable)]
    [InlineData(1038, StatusCode.TxUnreachable)]
    [InlineData(1025, StatusCode.Cancelled)]
    [InlineData(1101, StatusCode.Cancelled)]
    [InlineData(4100, StatusCode.Internal)]
    public async Task Errors_of_reads(int error, StatusCode code)
    {
        StandIn.FailRead(error);
        using var transaction = _engine.BeginTransaction();
        Assert.Equal(code, (await transaction.GetAsync("k"u8)).Code);
        Assert.True((await transaction.GetAsync("k"u8)).IsOk);
        Assert.Equal(1, _counts.Reads[code]);
    }

    [Theory]
    [InlineData(1020, StatusCode.TxConflict)]
    [InlineData(1007, StatusCode.TxTooOld)]
    [InlineData(1009, StatusCode.TxThrottled)]
    [InlineData(1042, StatusCode.TxThrottled)]
    [InlineData(1038, StatusCode.TxUnreachable)]
    [InlineData(2101, StatusCode.TxTooLarge)]
    [InlineData(1021, StatusCode.TxMaybeCommitted)]
    [InlineData(1022, StatusCode.TxMaybeCommitted)]
    [InlineData(1039, StatusCode.TxMaybeCommitted)]
    [InlineData(1031, StatusCode.TxMaybeCommitted)]
    [InlineData(1025, StatusCode.TxMaybeCommitted)]
    [InlineData(4100, StatusCode.TxMaybeCommitted)]
    [InlineData(9999, StatusCode.TxMaybeCommitted)]
    public async Task Errors_of_commits(int error, StatusCode code)
    {
        StandIn.FailCommit(error, applied: false);
        using var transaction = _engine.BeginTransaction();
        transaction.Set("k"u8, "1"u8);
        var status = await transaction.CommitAsync();
        Assert.Equal(code, status.Code);
        Assert.Contains($"({error})", status.Message);
        Assert.Equal(KvVersion.None, transaction.CommittedVersion);
        Assert.Equal((1, 1), (_counts.Commits[code], _counts.Operations));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_commit_of_unknown_result_is_repeated_and_says_so(bool applied)
    {
        StandIn.FailCommit(1021, applied);
        var retry = new KvRetry(_engine, TimeProvider.System, new SeededRandom(1));
        var attempts = new List<bool>();
        var result = await retry.RunAsync<bool>(async attempt =>
        {
            attempts.Add(attempt.MayHaveCommitted);
            var there = (await attempt.Transaction.GetAsync("k"u8)).Value.Exists;
            Assert.Equal(attempt.MayHaveCommitted && applied, there);
            attempt.Transaction.Set("k"u8, "1"u8);
            return there;
        });
        Assert.True(result.IsOk);
        Assert.Equal([false, true], attempts);
    }

    [Fact]
    public async Task An_unreachable_database_ends_reads_and_leaves_commits_open()
    {
        await using var engine = await _cluster.OpenAsync(
            _cluster.Options with { TransactionTimeout = TimeSpan.FromMilliseconds(50) });
        using var transaction = engine.BeginTransaction();
        transaction.Set("k"u8, "1"u8);
        StandIn.SetReachable(false);
        var read = await transaction.GetAsync("r"u8);
        Assert.Equal(StatusCode.TxUnreachable, read.Code);
        Assert.Contains("fdbcli", read.Status.Message);
        Assert.Equal(StatusCode.TxMaybeCommitted, (await transaction.CommitAsync()).Code);
        StandIn.SetReachable(true);
    }

    [Fact]
    public async Task A_transaction_disposed_of_during_its_commit_may_have_committed()
    {
        StandIn.SetReachable(false);
        var transaction = _engine.BeginTransaction();
        transaction.Set("k"u8, "1"u8);
        var commit = transaction.CommitAsync();
        transaction.Dispose();
        Assert.Equal(StatusCode.TxMaybeCommitted, (await commit).Code);
        StandIn.SetReachable(true);
    }

    [Fact]
    public async Task A_token_ends_a_read_but_never_a_commit()
    {
        StandIn.SetReachable(false);
        using var given = new CancellationTokenSource();
        using var transaction = _engine.BeginTransaction();
        var read = transaction.GetAsync("k"u8, ct: given.Token);
        transaction.Set("k"u8, "1"u8);
        var commit = transaction.CommitAsync(ct: given.Token);
        await given.CancelAsync();
        Assert.Equal(StatusCode.Cancelled, (await read).Code);
        StandIn.SetReachable(true);
        Assert.True((await commit).IsOk);
    }

    [Fact]
    public async Task Clusters_share_a_database_without_meeting()
    {
        await using var other = await _cluster.OpenAsync(_cluster.Options with { ClusterId = "test2" });
        foreach (var engine in new[] { _engine, other })
        {
            using var writer = engine.BeginTransaction();
            writer.Set("a"u8, Encoding.ASCII.GetBytes(engine == other ? "theirs" : "ours"));
            Assert.True((await writer.CommitAsync()).IsOk);
        }

        using (var clearing = other.BeginTransaction())
        {
            clearing.ClearRange([], KvKeys.End);
            Assert.True((await clearing.CommitAsync()).IsOk);
        }

        using var reader = _engine.BeginReadOnly();
        var rows = (await reader.GetRangeAsync([], KvKeys.End)).Value.Rows;
        Assert.Equal(["a=ours"], rows.Select(row => $"{Text(row.Key)}={Text(row.Value)}"));

        static string Text(byte[] bytes) => Encoding.ASCII.GetString(bytes);
    }

    /// <summary>In the database's own keys; changing it makes every cluster lose its metadata.</summary>
    [Theory]
    [InlineData("threefs", "027468726565667300027468726565667300")]
    [InlineData("a", "0274687265656673000" + "26100")]
    public void The_prefix_is_the_tuple_of_name_and_cluster(string clusterId, string prefix)
    {
        var subspace = Subspace.Of(clusterId).Value;
        Assert.Equal(prefix, Convert.ToHexString(subspace.Prefix), ignoreCase: true);
        Assert.Equal(prefix + "FF", Convert.ToHexString(subspace.End), ignoreCase: true);
    }

    [Fact]
    public void A_cluster_id_must_fit() =>
        Assert.Equal(StatusCode.InvalidArgument, Subspace.Of(new string('x', 200)).Code);

    /// <summary>With a limit of bytes the library answers less than fits whenever it likes.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Pages_are_filled_however_the_library_cuts_them(bool reverse)
    {
        using (var writer = _engine.BeginTransaction())
        {
            for (var i = 0; i < 50; i++) writer.Set(Encoding.ASCII.GetBytes($"k{i:d2}"), new byte[40_000]);
            Assert.True((await writer.CommitAsync()).IsOk);
        }

        StandIn.SetCuts(50);
        using var reader = _engine.BeginReadOnly();
        var byRows = (await reader.GetRangeAsync("k"u8, "l"u8, 17, reverse)).Value;
        var byBytes = (await reader.GetRangeAsync("k"u8, "l"u8, 0, reverse)).Value;
        Assert.Equal((17, true), (byRows.Rows.Count, byRows.More));
        Assert.Equal((25, true), (byBytes.Rows.Count, byBytes.More));
        var keys = Enumerable.Range(0, 25).Select(i => $"k{(reverse ? 49 - i : i):d2}");
        Assert.Equal(keys, byBytes.Rows.Select(row => Encoding.ASCII.GetString(row.Key)));
        var rest = reverse
            ? await reader.GetRangeAsync("k"u8, byBytes.Continuation, 0, reverse)
            : await reader.GetRangeAsync(byBytes.Continuation, "l"u8, 0, reverse);
        Assert.Equal(25, rest.Value.Rows.Count);
    }

    [Fact]
    public async Task Commits_and_their_operations_are_counted()
    {
        using (var writer = _engine.BeginTransaction())
        {
            writer.Set("a"u8, "1"u8);
            writer.Clear("b"u8);
            writer.AtomicAdd("c"u8, 1);
            Assert.True((await writer.CommitAsync()).IsOk);
        }

        using var reader = _engine.BeginTransaction();
        await reader.GetAsync("a"u8);
        Assert.True((await reader.CommitAsync()).IsOk);
        Assert.Equal((1, 3, 1), (_counts.Commits[StatusCode.Ok], _counts.Operations, _counts.Reads[StatusCode.Ok]));
    }

    [Fact]
    public void The_numbers_of_mutations_are_FoundationDBs()
    {
        Assert.Equal(FdbMutation.Add, (FdbMutation)KvMutation.Add);
        Assert.Equal(FdbMutation.Max, (FdbMutation)KvMutation.Max);
        Assert.Equal(FdbMutation.ByteMax, (FdbMutation)KvMutation.ByteMax);
        Assert.Equal(3, Enum.GetValues<KvMutation>().Length);
    }

    private sealed class Counts : IKvObserver
    {
        public Dictionary<StatusCode, int> Commits { get; } = [];
        public Dictionary<StatusCode, int> Reads { get; } = [];
        public int Operations { get; private set; }

        public void CommitDone(StatusCode code, int operations, TimeSpan elapsed)
        {
            lock (Commits) (Commits[code], Operations) = (Commits.GetValueOrDefault(code) + 1, Operations + operations);
        }

        public void ReadDone(StatusCode code, TimeSpan elapsed)
        {
            lock (Reads) Reads[code] = Reads.GetValueOrDefault(code) + 1;
        }
    }
}
