using ThreeFs.Base;
using ThreeFs.Client.Meta;
using ThreeFs.Contracts.Meta;
using ThreeFs.Contracts.Routing;
using ThreeFs.Io;
using ThreeFs.Meta.Server.Wire;
using ThreeFs.Meta.Tests.Support;
using ThreeFs.Transport;
using ThreeFs.Transport.Tcp;
using static ThreeFs.Meta.Tests.Support.MetaHarness;

namespace ThreeFs.Meta.Tests.Wire;

/// <summary>Two servers behind real sockets, and the client that every process uses.</summary>
public sealed class FrameTests : IAsyncLifetime
{
    private readonly Reactor _reactor = Reactor.Start("frames").Value;
    private readonly List<IListener> _listeners = [];
    private readonly List<MetaFrameHandler> _handlers = [];
    private readonly StaticRouting _routing = new() { Current = RoutingInfo.Empty };
    private MetaHarness _fs = null!;
    private TcpTransport _transport = null!;
    private MetaClient _client = null!;

    public async Task InitializeAsync()
    {
        _fs = await MetaHarness.CreateAsync();
        _transport = new TcpTransport(_reactor);
        Serve(_fs.A);
        Serve(_fs.B);
        _routing.Current = Routing(NodeState.Connected, NodeState.Connected);
        _client = new MetaClient(_transport, _routing, new MetaClientOptions(), TimeProvider.System, new SeededRandom(2));
    }

    public async Task DisposeAsync()
    {
        await _client.DisposeAsync();
        foreach (var listener in _listeners) await listener.DisposeAsync();
        foreach (var handler in _handlers) handler.Dispose();
        await _reactor.DisposeAsync();
    }

    [Fact]
    public async Task Every_operation_arrives_and_comes_back()
    {
        var fs = _fs;
        var dir = (await _client.MakeNodeAsync(fs.Root, InodeId.Root, Name("d"), new NewInode(InodeType.Directory, 0x1FF), default)).Value;
        var session = fs.NewSession();
        var made = (await _client.CreateAsync(
            fs.As(5), dir.Id, Name("f"), new NewInode(InodeType.File, 0x1A4), OpenFlags.Write, session, default)).Value;
        Assert.True(made.Created);
        Assert.Equal(await fs.StatAsync(made.Attr.Id), Plain((await _client.GetAttrAsync(fs.Root, made.Attr.Id, default)).Value));
        Assert.Equal(made.Attr.Id, (await _client.LookupAsync(fs.Root, dir.Id, Name("f"), default)).Value.Id);
        Assert.Equal(made.Attr.Id, (await _client.ResolveAsync(fs.Root, InodeId.Root, "/d/f"u8.ToArray(), true, default)).Value.Id);
        Assert.Equal(99, (await _client.SyncAsync(fs.As(5), made.Attr.Id, Wrote(99), true, default)).Value.Length);
        Assert.Equal(109, (await _client.AppendAsync(fs.As(5), made.Attr.Id, 10, default)).Value.Length);
        var exclusive = new LockRequest(LockKind.Posix, ulong.MaxValue, LockType.Exclusive, 5, long.MaxValue, 42);
        var locked = (await _client.SetLockAsync(fs.Root, made.Attr.Id, exclusive, default)).Value;
        Assert.Equal((true, 109L), (locked.Granted, locked.Attr!.Length));
        Assert.Null((await _client.TestLockAsync(fs.Root, made.Attr.Id, exclusive, default)).Value);
        var other = fs.From(fs.NewClient());
        Assert.False((await _client.SetLockAsync(other, made.Attr.Id, exclusive, default)).Value.Granted);
        var conflict = (await _client.TestLockAsync(other, made.Attr.Id, exclusive, default)).Value!;
        Assert.Equal((fs.Client, ulong.MaxValue, 5L, long.MaxValue, 42u),
            (conflict.Client, conflict.Owner, conflict.Start, conflict.End, conflict.Pid));
        Assert.Equal(120, (await _client.CloseAsync(fs.As(5), made.Attr.Id, session, Wrote(120), default)).Value.Length);
        var change = new AttrChange(SetAttrMask.Length | SetAttrMask.Mode) { Length = 7, Mode = 0x180 };
        Assert.Equal((7L, 0x180u), await Pair(_client.SetAttrAsync(fs.As(5), made.Attr.Id, change, default)));
        Assert.Equal(StatusCode.AccessDenied, (await _client.AccessAsync(fs.As(6), made.Attr.Id, AccessMode.Read, default)).Code);
        Assert.Equal(StatusCode.AccessDenied, (await _client.OpenAsync(fs.As(6), made.Attr.Id, OpenFlags.Read, session, default)).Code);
        Assert.Equal(2u, (await _client.LinkAsync(fs.Root, made.Attr.Id, InodeId.Root, Name("l"), default)).Value.LinkCount);
        var renamed = await _client.RenameAsync(fs.Root, dir.Id, Name("f"), InodeId.Root, Name("x"), RenameFlags.NoReplace, default);
        Assert.Null(renamed.Value.Replaced);
        Assert.Equal(1u, (await _client.UnlinkAsync(fs.Root, InodeId.Root, Name("x"), session, default)).Value.LinkCount);
        Assert.Equal(StatusCode.Ok, (await _client.KeepOpenAsync(fs.Root, made.Attr.Id, session, default)).Code);
        Assert.Equal(StatusCode.Ok, (await _client.PruneSessionsAsync(fs.Root, [session], default)).Code);
        Assert.Equal(StatusCode.Ok, (await _client.RemoveDirectoryAsync(fs.Root, InodeId.Root, Name("d"), default)).Code);
        Assert.Equal(StatusCode.NotDirectory, (await _client.RemoveTreeAsync(fs.Root, InodeId.Root, Name("l"), default)).Code);
        Assert.Equal(StatusCode.Ok, (await _client.FlushAsync(fs.Root, default)).Code);
        Assert.Equal(400, (await _client.StatFsAsync(fs.Root, default)).Value.FreeBytes);
        var batch = (await _client.BatchGetAttrAsync(fs.Root, [made.Attr.Id, new InodeId(99)], default)).Value;
        Assert.Equal([StatusCode.Ok, StatusCode.NotFound], batch.Select(r => r.Code));
    }

    [Fact]
    public async Task What_does_not_fit_a_header_travels_as_payload()
    {
        var fs = _fs;
        var value = new byte[65536];
        new SeededRandom(4).NextBytes(value);
        Assert.Equal(StatusCode.Ok, (await _client.SetXattrAsync(fs.Root, InodeId.Root, Name("user.big"), value, 0, default)).Code);
        var back = (await _client.GetXattrAsync(fs.Root, InodeId.Root, Name("user.big"), default)).Value;
        Assert.True(back.Span.SequenceEqual(value));
        Assert.Equal(["user.big"], (await _client.ListXattrAsync(fs.Root, InodeId.Root, default)).Value.Select(n => n.ToString()));
        Assert.Equal(StatusCode.Ok, (await _client.RemoveXattrAsync(fs.Root, InodeId.Root, Name("user.big"), default)).Code);

        for (var i = 0; i < 900; i++) await fs.SymlinkAsync(InodeId.Root, $"{i:d4}" + new string('n', 200), new string('t', 3000));
        var seen = new List<string>();
        FileName? after = null;
        while (true)
        {
            var page = (await _client.ReadDirectoryAsync(fs.Root, InodeId.Root, after, 1000, true, default)).Value;
            seen.AddRange(page.Entries.Select(e => e.Name.ToString()));
            Assert.All(page.Entries, e => Assert.Equal(3000, e.Attr!.SymlinkTarget.Length));
            if (page.End) break;
            after = page.Entries[^1].Name;
        }

        Assert.Equal(await fs.NamesAsync(InodeId.Root), seen);
    }

    [Fact]
    public async Task A_dead_server_costs_time_and_no_error()
    {
        var fs = _fs;
        for (var i = 0; i < 20; i++)
        {
            if (i == 5) await _listeners[0].DisposeAsync();
            if (i == 10)
            {
                _listeners[0] = _transport.Listen(_listeners[0].Endpoint, _handlers[0]).Value;
                await _listeners[1].DisposeAsync();
            }

            var made = await _client.MakeNodeAsync(fs.Root, InodeId.Root, Name($"{i}"), new NewInode(InodeType.Directory, 0x1FF), default);
            Assert.True(made.IsOk, made.Status.ToString());
        }

        Assert.Equal(20, (await fs.NamesAsync(InodeId.Root)).Length);
        Assert.True(_routing.Refreshes > 0);
    }

    [Fact]
    public async Task A_server_that_stops_in_order_is_not_noticed()
    {
        var fs = _fs;
        var stopped = new TaskCompletionSource();
        var work = Enumerable.Range(0, 8).Select(worker => Task.Run(async () =>
        {
            for (var i = 0; i < 40 || !stopped.Task.IsCompleted; i++)
            {
                var context = new MetaContext(UserInfo.Root, fs.Client, new RequestId(Guid.NewGuid()));
                var node = new NewInode(InodeType.Directory, 0x1FF);
                var exclusive = await _client.MakeNodeAsync(context, InodeId.Root, Name($"{worker}-{i}"), node, default);
                exclusive.Status.ThrowIfFailed();
            }
        })).ToArray();
        foreach (var listener in _listeners.Take(1))
        {
            await listener.DrainAsync(TimeSpan.FromSeconds(5));
            await listener.DisposeAsync();
        }

        stopped.SetResult();
        await Task.WhenAll(work);
        Assert.True((await fs.StatAsync(InodeId.Root)).LinkCount >= 322);
    }

    [Fact]
    public async Task Nobody_there_is_told_after_the_deadline_and_not_before()
    {
        _routing.Current = RoutingInfo.Empty;
        var options = new MetaClientOptions { Deadline = TimeSpan.FromMilliseconds(300) };
        await using var client = new MetaClient(_transport, _routing, options, TimeProvider.System, new SeededRandom(2));
        var answer = await client.GetAttrAsync(_fs.Root, InodeId.Root, default);
        Assert.Equal(StatusCode.RoutingNotReady, answer.Code);
        Assert.Contains("GetAttr", answer.Status.Message);
        using var interrupt = new CancellationTokenSource();
        var waiting = _client.GetAttrAsync(_fs.Root, InodeId.Root, interrupt.Token);
        await interrupt.CancelAsync();
        Assert.Equal(StatusCode.Cancelled, (await waiting).Code);
    }

    [Fact]
    public async Task Foreign_bytes_and_methods_are_refused()
    {
        var connection = (await _transport.ConnectAsync(_listeners[0].Endpoint)).Value;
        var pending = connection.CallAsync(new Call { Method = 0x02FF });
        using (var answer = await pending) Assert.Equal(StatusCode.NotImplemented, answer.Status.Code);
        pending = connection.CallAsync(new Call { Method = (ushort)MetaMethod.Lookup, Header = [0xFF, 0xFF, 0xFF] });
        using (var answer = await pending) Assert.Equal(StatusCode.ProtocolError, answer.Status.Code);
        pending = connection.CallAsync(new Call { Method = (ushort)MetaMethod.Lookup });
        using (var answer = await pending) Assert.Equal(StatusCode.InvalidArgument, answer.Status.Code);
        await connection.DisposeAsync();
    }

    [Fact]
    public async Task A_disabled_server_is_not_asked_and_silent_routing_is_not_the_end()
    {
        await _listeners[0].DisposeAsync();
        _routing.Current = Routing(NodeState.Disabled, NodeState.Failed);
        Assert.Equal(StatusCode.Ok, (await _client.GetAttrAsync(_fs.Root, InodeId.Root, default)).Code);
    }

    private void Serve(MetaService service)
    {
        var handler = new MetaFrameHandler(new MetaDispatcher(service), 100, default);
        _handlers.Add(handler);
        _listeners.Add(_transport.Listen(Endpoint.Tcp("127.0.0.1", 0), handler).Value);
    }

    private RoutingInfo Routing(params NodeState[] states)
    {
        var nodes = states.Select((state, i) => new NodeInfo(
            new NodeId((uint)i + 1), NodeKind.Meta, "host", 1,
            [new ServiceEndpoint(EndpointKind.Data, "127.0.0.1", _listeners[i].Endpoint.Port)], state, default,
            System.Collections.Immutable.ImmutableSortedDictionary<string, string>.Empty));
        return new RoutingInfo(new RoutingVersion(1), nodes, [], [], []);
    }

    private static InodeAttr Plain(InodeAttr attr) => attr with { SymlinkTarget = default };

    private static async Task<(long, uint)> Pair(ValueTask<Result<InodeAttr>> running)
    {
        var attr = (await running).Value;
        return (attr.Length, attr.Mode);
    }
}
