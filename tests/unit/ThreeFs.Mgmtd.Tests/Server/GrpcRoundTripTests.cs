using System.Collections;
using System.Collections.Immutable;
using System.Reflection;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using ThreeFs.Base;
using ThreeFs.Client.Mgmtd;
using ThreeFs.Contracts.Mgmtd;
using ThreeFs.Contracts.Routing;
using ThreeFs.Hosting;
using ThreeFs.Hosting.Web;
using ThreeFs.Mgmtd.Server;
using ThreeFs.Mgmtd.Tests.Support;

namespace ThreeFs.Mgmtd.Tests.Server;

/// <summary>Every operation through a real client, a real connection and the real gRPC face: what goes in comes out, both ways.</summary>
public sealed class GrpcRoundTripTests : IAsyncLifetime
{
    private static readonly DateTimeOffset _time = new DateTimeOffset(2026, 2, 3, 4, 5, 6, TimeSpan.Zero).AddTicks(1234567);

    private static readonly NodeInfo _node = new(
        new NodeId(7), NodeKind.Storage, "höst", 4711,
        [new(EndpointKind.Grpc, "10.0.0.1", 1), new(EndpointKind.Data, "::1", 65535), new(EndpointKind.Http, "h", 3)],
        NodeState.Failed, _time, ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal).Add("a", "").Add("b", "c"));

    private static readonly ChainInfo _chain = new(
        new ChainId(uint.MaxValue), new ChainVersion(9),
        [.. Enum.GetValues<TargetState>().Select((s, i) => new ChainTarget(new TargetId(ulong.MaxValue - (ulong)i), s))],
        [new TargetId(1), new TargetId(ulong.MaxValue)]);

    private static readonly TargetInfo _target = new(
        new TargetId(5), new ChainId(6), TargetState.Syncing, LocalTargetState.UpToDate, new NodeId(7), 8, long.MaxValue, true, 10);

    private static readonly ConfigInfo _config = new(NodeKind.Client, ulong.MaxValue, "x = \"ä\"\n", "d");
    private static readonly ClientSession _session = new(new ClientId(new Guid("00112233-4455-6677-8899-aabbccddeeff")), "h", "d", 9, _time, _time.AddTicks(1));

    private readonly RecordingService _service = new();
    private WebHost _web = null!;
    private MgmtdClient _client = null!;

    public async Task InitializeAsync()
    {
        var host = new HostServices("test", NullLoggerFactory.Instance, TimeProvider.System, 1);
        var slot = new ServiceSlot { Service = _service };
        _web = Expect.Ok(await WebHost.StartAsync(
            host, new WebHostOptions("127.0.0.1", 0, null),
            s =>
            {
                s.AddGrpc();
                s.AddSingleton(slot);
            },
            r => r.MapGrpcService<MgmtdGrpc>()));
        _client = new MgmtdClient(
            new MgmtdClientOptions([$"127.0.0.1:{_web.GrpcPort}"]) { CallTimeout = TimeSpan.FromSeconds(30), Patience = TimeSpan.Zero }, TimeProvider.System);
    }

    public async Task DisposeAsync()
    {
        _client.Dispose();
        await _web.DisposeAsync();
    }

    public static TheoryData<string, object?[], object?> Calls => new()
    {
        { "GetPrimaryAsync", [], _node },
        { "GetPrimaryAsync", [], null },
        { "GetRoutingAsync", [new RoutingVersion(1UL << 40), TimeSpan.FromMilliseconds(1234)], Routing() },
        { "GetRoutingAsync", [new RoutingVersion(3), TimeSpan.Zero], null },
        { "HeartbeatAsync", [Beat()], new HeartbeatReply(new RoutingVersion(ulong.MaxValue), TimeSpan.FromTicks(20000001), _config) },
        { "HeartbeatAsync", [Beat() with { Targets = [], Endpoints = [] }], new HeartbeatReply(new RoutingVersion(1), TimeSpan.Zero, null) },
        { "RegisterNodeAsync", [new NodeId(1), NodeKind.Client], null },
        { "UnregisterNodeAsync", [new NodeId(uint.MaxValue)], null },
        { "SetNodeEnabledAsync", [new NodeId(1), true], null },
        { "SetNodeTagsAsync", [new NodeId(1), _node.Tags], null },
        { "SetChainsAsync", [ImmutableArray.Create(new ChainSetting(new ChainId(1), [new TargetId(2), new TargetId(3)], [new TargetId(3)]))], null },
        { "SetChainTableAsync", [new ChainTableId(1), ImmutableArray.Create(new ChainId(1), new ChainId(2)), "words"], new ChainTableVersion(4) },
        { "AddTargetAsync", [new ChainId(1), new TargetId(2), new TargetId(3)], _chain },
        { "RemoveTargetAsync", [new ChainId(1), new TargetId(2)], _chain },
        { "RotateLastServingAsync", [new ChainId(1)], _chain },
        { "SetPreferredOrderAsync", [new ChainId(1), ImmutableArray.Create(new TargetId(2))], _chain },
        { "ListOrphanTargetsAsync", [], ImmutableArray.Create(_target, _target with { Id = new TargetId(6) }) },
        { "SetConfigAsync", [NodeKind.Storage, "c", "d"], ulong.MaxValue },
        { "GetConfigAsync", [NodeKind.Storage], _config },
        { "GetConfigAsync", [NodeKind.Mgmtd], null },
        { "ExtendClientSessionAsync", [_session], null },
        { "ListClientSessionsAsync", [], new ClientSessions(true, [_session]) },
    };

    [Theory]
    [MemberData(nameof(Calls), DisableDiscoveryEnumeration = true)]
    public async Task Nothing_is_lost_on_the_way(string call, object?[] arguments, object? answer)
    {
        _service.Answer = answer;
        var result = await CallAsync(call, arguments);
        Assert.Equal(call, _service.Called);
        Assert.Equal(Print((object?[])["cluster", .. arguments]), Print(_service.Arguments));
        Assert.Equal(Status.Ok, result.Status);
        if (result.HasValue) Assert.Equal(Print(answer), Print(result.Value));

        _service.Answer = new Status(StatusCode.ChainNotFound, "there is no chain ½");
        Assert.Equal((Status)_service.Answer, (await CallAsync(call, arguments)).Status);
    }

    [Fact]
    public void Every_operation_is_tested() => Assert.Empty(
        typeof(IMgmtdService).GetMethods().Select(m => m.Name).Distinct().Except(Calls.Select(c => (string)((object?[])c)[0]!)));

    [Fact]
    public async Task A_mgmtd_that_is_starting_is_unavailable_and_says_so()
    {
        var port = _web.GrpcPort;
        using var client = new MgmtdClient(new MgmtdClientOptions([$"127.0.0.1:{port}"]) { Patience = TimeSpan.Zero }, TimeProvider.System);
        _service.Answer = new Status(StatusCode.Unavailable, "starting");
        Expect.Fails(StatusCode.Unavailable, await client.RegisterNodeAsync("c", new NodeId(1), NodeKind.Meta, default), "starting");
    }

    private async Task<(Status Status, bool HasValue, object? Value)> CallAsync(string call, object?[] arguments)
    {
        var method = typeof(MgmtdClient).GetMethods().Single(m => m.Name == call && m.GetParameters().Length == arguments.Length + 2);
        var pending = method.Invoke(_client, ["cluster", .. arguments, CancellationToken.None])!;
        var task = (Task)pending.GetType().GetMethod("AsTask")!.Invoke(pending, null)!;
        await task;
        var result = task.GetType().GetProperty("Result")!.GetValue(task)!;
        if (result is Status status) return (status, false, null);
        var of = (Status)result.GetType().GetProperty("Status")!.GetValue(result)!;
        return (of, of.IsOk, of.IsOk ? result.GetType().GetProperty("Value")!.GetValue(result) : null);
    }

    private static Heartbeat Beat() => new(
        new NodeId(7), NodeKind.Storage, "h", 3, _node.Endpoints, ulong.MaxValue, _time, 5,
        [new(new TargetId(1), LocalTargetState.Offline, new ChainVersion(2), 3, 4, 5, true), new(new TargetId(2), LocalTargetState.UpToDate, default, 0, 0, 0, false)],
        ulong.MaxValue);

    private static RoutingInfo Routing() => new(
        new RoutingVersion(1UL << 33), [_node], [_chain], [_target],
        [
            new ChainTable(new ChainTableId(1), new ChainTableVersion(1), [new ChainId(1)], "old"),
            new ChainTable(new ChainTableId(1), new ChainTableVersion(2), [new ChainId(2), new ChainId(1)], "new"),
        ]);

    /// <summary>Everything a value consists of, in words: equality of records that hold collections does not look into all of them.</summary>
    private static string Print(object? value) => value switch
    {
        null => "null",
        string s => $"\"{s}\"",
        DateTimeOffset t => t.UtcTicks.ToString(),
        TimeSpan t => t.Ticks.ToString(),
        Guid or bool or Enum => value.ToString()!,
        _ when value.GetType().IsPrimitive => value.ToString()!,
        IDictionary map => "{" + string.Join(", ", map.Keys.Cast<object>().Select(k => $"{Print(k)}: {Print(map[k])}").Order()) + "}",
        IEnumerable items => "[" + string.Join(", ", items.Cast<object?>().Select(Print)) + "]",
        _ => value.GetType().Name + "(" + string.Join(", ", value.GetType()
            .GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(p => p.GetIndexParameters().Length == 0 && p.Name is not ("IsActive" or "Next"))
            .Select(p => $"{p.Name}={Print(p.GetValue(value))}")) + ")",
    };
}
