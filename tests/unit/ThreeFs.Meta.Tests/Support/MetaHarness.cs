using System.Collections.Immutable;
using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Kv;

namespace ThreeFs.Meta.Tests.Support;

/// <summary>A fresh file system with two servers on one store, and short forms of the calls that tests need.</summary>
internal sealed class MetaHarness
{
    public static readonly SessionId NoSession = default;

    private readonly SeededRandom _random;

    private MetaHarness(IKvEngine store, TestTime time, IKvFaults? faults, MetaServiceOptions options, ulong seed)
    {
        _random = new SeededRandom(seed);
        Time = time;
        Store = store;
        Engine = faults is null ? Store : new FaultyKvEngine(Store, faults, Time);
        Options = options;
        A = new MetaService(Engine, Chunks, Routing, options, Time, _random.Fork());
        B = new MetaService(Engine, Chunks, Routing, options, Time, _random.Fork());
    }

    public TestTime Time { get; }
    public FakeChunks Chunks { get; } = new();
    public StaticRouting Routing { get; } = new();
    public IKvEngine Store { get; }
    public IKvEngine Engine { get; }
    public MetaServiceOptions Options { get; }
    public MetaService A { get; }
    public MetaService B { get; }

    /// <summary>The client that all contexts name.</summary>
    public ClientId Client { get; init; } = new(new Guid("11111111-2222-3333-4444-555555555555"));

    public static async Task<MetaHarness> CreateAsync(IKvFaults? faults = null, MetaServiceOptions? options = null, ulong seed = 1)
    {
        var time = new TestTime();
        var store = await TestStores.OpenAsync(time);
        var harness = new MetaHarness(store, time, faults, options ?? new MetaServiceOptions(), seed);
        (await harness.A.InitializeAsync(default)).ThrowIfFailed();
        return harness;
    }

    public MetaContext Root => As(0);

    /// <summary>A new request of a user whose group has the same number.</summary>
    public MetaContext As(uint uid, params uint[] groups) =>
        new(new UserInfo(uid, uid, [.. groups]), Client, new RequestId(_random.NextGuid()));

    public MetaContext From(ClientId client) => new(UserInfo.Root, client, new RequestId(_random.NextGuid()));

    public SessionId NewSession() => new(_random.NextGuid());

    public ClientId NewClient() => new(_random.NextGuid());

    public async Task<InodeAttr> MkdirAsync(InodeId parent, string name, uint mode = 0x1FF, MetaContext? context = null) =>
        (await A.MakeNodeAsync(context ?? Root, parent, Name(name), new NewInode(InodeType.Directory, mode), default)).Value;

    public async Task<InodeAttr> FileAsync(InodeId parent, string name, uint mode = 0x1B6, MetaContext? context = null) =>
        (await A.MakeNodeAsync(context ?? Root, parent, Name(name), new NewInode(InodeType.File, mode), default)).Value;

    public async Task<InodeAttr> SymlinkAsync(InodeId parent, string name, string target) =>
        (await A.MakeNodeAsync(Root, parent, Name(name), Symlink(target), default)).Value;

    public async Task<InodeAttr> OpenWriterAsync(InodeId parent, string name, SessionId session)
    {
        var file = new NewInode(InodeType.File, 0x1B6);
        return (await A.CreateAsync(Root, parent, Name(name), file, OpenFlags.Write, session, default)).Value.Attr;
    }

    public async Task<InodeAttr> StatAsync(InodeId inode) => (await A.GetAttrAsync(Root, inode, default)).Value;

    public async Task<StatusCode> CodeOfAsync(InodeId inode) => (await A.GetAttrAsync(Root, inode, default)).Code;

    public async Task<Result<InodeAttr>> ResolveAsync(string path, bool followLast = true, MetaContext? context = null) =>
        await A.ResolveAsync(context ?? Root, InodeId.Root, System.Text.Encoding.UTF8.GetBytes(path), followLast, default);

    public async Task<string[]> NamesAsync(InodeId directory)
    {
        var page = (await A.ReadDirectoryAsync(Root, directory, null, 4096, false, default)).Value;
        Assert.True(page.End);
        return page.Entries.Select(e => e.Name.ToString()).ToArray();
    }

    public async Task<StatusCode> ChmodAsync(InodeId inode, uint mode, MetaContext? context = null) =>
        (await A.SetAttrAsync(context ?? Root, inode, new AttrChange(SetAttrMask.Mode) { Mode = mode }, default)).Code;

    public async Task<Result<InodeAttr>> TruncateAsync(InodeId inode, long length, MetaContext? context = null) =>
        await A.SetAttrAsync(context ?? Root, inode, new AttrChange(SetAttrMask.Length) { Length = length }, default);

    /// <summary>Collects until nothing is due.</summary>
    public async Task<int> CollectAsync()
    {
        var removed = 0;
        while (true)
        {
            var round = (await A.Garbage.RunRoundAsync(default)).Value;
            removed += round.Removed;
            if (round is { Removed: 0, More: false }) return removed;
        }
    }

    public async Task<int> RowCountAsync()
    {
        var rows = 0;
        using var transaction = Store.BeginReadOnly();
        for (byte[] begin = []; ;)
        {
            var page = (await transaction.GetRangeAsync(begin, KvKeys.End)).Value;
            rows += page.Rows.Count;
            if (!page.More) return rows;
            begin = page.Continuation;
        }
    }

    public async Task<long> InodesAsync() => (await A.StatFsAsync(Root, default)).Value.Inodes;

    public static FileName Name(string text) => FileName.FromText(text);

    public static NewInode Symlink(string target) =>
        new(InodeType.Symlink, 0x1FF) { SymlinkTarget = System.Text.Encoding.UTF8.GetBytes(target) };

    public static LengthHint Wrote(long end, uint truncateVersion = 0, bool exact = false) =>
        new(end, new TruncateVersion(truncateVersion), exact, null, null);
}
