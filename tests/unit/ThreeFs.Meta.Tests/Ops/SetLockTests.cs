using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Contracts.Mgmtd;
using ThreeFs.Kv;
using ThreeFs.Meta.Records;
using ThreeFs.Meta.Tests.Support;
using static ThreeFs.Meta.Tests.Support.MetaHarness;

namespace ThreeFs.Meta.Tests.Ops;

public sealed class SetLockTests
{
    private const long End = long.MaxValue;

    [Fact]
    public async Task Locks_hold_between_clients_and_servers()
    {
        var (fs, file) = await FileAsync();
        var (one, two) = (fs.NewClient(), fs.NewClient());
        Assert.True(await SetAsync(fs.A, fs.From(one), file, LockType.Exclusive));
        Assert.False(await SetAsync(fs.B, fs.From(two), file, LockType.Shared));
        var conflict = (await fs.B.TestLockAsync(fs.From(two), file, Whole(LockType.Shared), default)).Value!;
        Assert.Equal((one, LockType.Exclusive, 42u), (conflict.Client, conflict.Type, conflict.Pid));
        Assert.True(await SetAsync(fs.B, fs.From(one), file, LockType.None));
        Assert.Null((await fs.A.TestLockAsync(fs.From(two), file, Whole(LockType.Exclusive), default)).Value);
        Assert.True(await SetAsync(fs.A, fs.From(two), file, LockType.Shared));
        Assert.True(await SetAsync(fs.A, fs.From(one), file, LockType.Shared));
        Assert.False(await SetAsync(fs.A, fs.From(one), file, LockType.Exclusive));
    }

    [Fact]
    public async Task The_two_kinds_know_nothing_of_each_other()
    {
        var (fs, file) = await FileAsync();
        Assert.True(await SetAsync(fs.A, fs.From(fs.NewClient()), file, LockType.Exclusive, LockKind.Posix));
        Assert.True(await SetAsync(fs.A, fs.From(fs.NewClient()), file, LockType.Exclusive, LockKind.Flock));
    }

    [Theory]
    [InlineData(KvFault.MaybeCommittedApplied)]
    [InlineData(KvFault.MaybeCommittedLost)]
    [InlineData(KvFault.Conflict)]
    public async Task A_repeated_request_changes_nothing(KvFault fault)
    {
        var faults = new ScriptedKvFaults();
        var fs = await MetaHarness.CreateAsync(faults);
        var file = (await fs.FileAsync(InodeId.Root, "f")).Id;
        var (one, two) = (fs.NewClient(), fs.NewClient());
        faults.EnqueueCommit(fault);
        var taken = fs.From(one);
        Assert.True(await SetAsync(fs.A, taken, file, LockType.Exclusive));
        var refused = fs.From(two);
        Assert.False(await SetAsync(fs.A, refused, file, LockType.Exclusive));
        Assert.True(await SetAsync(fs.A, fs.From(one), file, LockType.None));

        // Copies of both that were on their way all the time.
        Assert.True(await SetAsync(fs.B, taken, file, LockType.Exclusive));
        Assert.False(await SetAsync(fs.B, refused, file, LockType.Exclusive));
        Assert.Null((await fs.A.TestLockAsync(fs.From(fs.NewClient()), file, Whole(LockType.Exclusive), default)).Value);
    }

    [Fact]
    public async Task Whoever_gets_a_lock_is_told_what_was_reported_before()
    {
        var (fs, file) = await FileAsync();
        await fs.A.SyncAsync(fs.Root, file, Wrote(77), false, default);
        var answer = (await fs.A.SetLockAsync(fs.Root, file, Whole(LockType.Shared), default)).Value;
        Assert.Equal(77, answer.Attr!.Length);
    }

    [Fact]
    public async Task An_inode_carries_a_bounded_number_of_locks()
    {
        var (fs, file) = await FileAsync();
        for (var i = 0; i < LockRecord.MaxLocks; i++)
        {
            var one = new LockRequest(LockKind.Posix, 1, LockType.Exclusive, 2 * i, 2 * i, 1);
            Assert.True((await fs.A.SetLockAsync(fs.Root, file, one, default)).Value.Granted);
        }

        var more = new LockRequest(LockKind.Posix, 1, LockType.Exclusive, 5000, 5000, 1);
        Assert.Equal(StatusCode.TooManyLocks, (await fs.A.SetLockAsync(fs.Root, file, more, default)).Code);
        Assert.True((await fs.A.SetLockAsync(fs.Root, file, LockRequest.ReleaseAll(LockKind.Posix, 1), default)).Value.Granted);
    }

    [Fact]
    public async Task Nonsense_is_refused()
    {
        var (fs, file) = await FileAsync();
        Assert.Equal(StatusCode.InvalidArgument, await CodeAsync(new LockRequest(LockKind.Posix, 1, LockType.Shared, 5, 4, 1)));
        Assert.Equal(StatusCode.InvalidArgument, await CodeAsync(new LockRequest(LockKind.Posix, 1, LockType.Shared, -1, 4, 1)));
        Assert.Equal(StatusCode.InvalidArgument, await CodeAsync(new LockRequest((LockKind)9, 1, LockType.Shared, 0, 4, 1)));
        Assert.Equal(StatusCode.InvalidArgument, await CodeAsync(new LockRequest(LockKind.Posix, 1, (LockType)9, 0, 4, 1)));

        async Task<StatusCode> CodeAsync(LockRequest request) => (await fs.A.SetLockAsync(fs.Root, file, request, default)).Code;
    }

    [Fact]
    public async Task A_dead_clients_locks_are_given_back_and_a_living_ones_stay()
    {
        var (fs, file) = await FileAsync();
        var (dead, living) = (fs.NewClient(), fs.NewClient());
        Assert.True(await SetAsync(fs.A, fs.From(dead), file, LockType.Exclusive, LockKind.Posix));
        Assert.True(await SetAsync(fs.A, fs.From(living), file, LockType.Exclusive, LockKind.Flock));
        var clients = new ClientSessions(Bootstrapping: false, [new ClientSession(living, "", "", 1, default, default)]);
        Assert.Equal(0, (await fs.A.Locks.RunRoundAsync(clients, default)).Value);
        fs.Time.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal(0, (await fs.A.Locks.RunRoundAsync(clients with { Bootstrapping = true }, default)).Value);
        Assert.Equal(1, (await fs.A.Locks.RunRoundAsync(clients, default)).Value);
        Assert.True(await SetAsync(fs.A, fs.From(fs.NewClient()), file, LockType.Exclusive, LockKind.Posix));
        Assert.False(await SetAsync(fs.A, fs.From(fs.NewClient()), file, LockType.Exclusive, LockKind.Flock));
    }

    [Fact]
    public async Task Locks_go_with_their_inode()
    {
        var (fs, file) = await FileAsync();
        Assert.True(await SetAsync(fs.A, fs.Root, file, LockType.Exclusive));
        (await fs.A.UnlinkAsync(fs.Root, InodeId.Root, Name("f"), null, default)).Status.ThrowIfFailed();
        fs.Time.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal(1, await fs.CollectAsync());
        var left = await fs.Store.BeginReadOnly().GetRangeAsync(KeyPrefixes.Lock.Range.Begin, KeyPrefixes.Lock.Range.End);
        Assert.Empty(left.Value.Rows);
    }

    private static LockRequest Whole(LockType type, LockKind kind = LockKind.Posix) => new(kind, 1, type, 0, End, 42);

    private static async Task<bool> SetAsync(
        IMetaService server, MetaContext context, InodeId file, LockType type, LockKind kind = LockKind.Posix) =>
        (await server.SetLockAsync(context, file, Whole(type, kind), default)).Value.Granted;

    private static async Task<(MetaHarness Fs, InodeId File)> FileAsync()
    {
        var fs = await MetaHarness.CreateAsync();
        return (fs, (await fs.FileAsync(InodeId.Root, "f")).Id);
    }
}
