using System.Collections.Immutable;
using System.Threading.Channels;
using ThreeFs.Base;
using ThreeFs.Contracts.Mgmtd;
using ThreeFs.Contracts.Routing;

namespace ThreeFs.Mgmtd.Tests.Client;

/// <summary>A mgmtd played by the test: each routing question and heartbeat arrives in a queue and is answered by hand.</summary>
internal sealed class ScriptedMgmtd : IMgmtdService
{
    private readonly Channel<Question<RoutingInfo?>> _routing = Channel.CreateUnbounded<Question<RoutingInfo?>>();
    private readonly Channel<Question<HeartbeatReply>> _heartbeats = Channel.CreateUnbounded<Question<HeartbeatReply>>();

    internal sealed class Question<T>(object asked, CancellationToken ct)
    {
        private readonly TaskCompletionSource<Result<T>> _answer = new();

        public object Asked { get; } = asked;
        public CancellationToken Token { get; } = ct;
        public Task<Result<T>> Answered => _answer.Task;

        public void Answer(Result<T> result) => _answer.TrySetResult(result);
    }

    public async Task<Question<RoutingInfo?>> RoutingQuestion() => await _routing.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30));

    public async Task<Question<HeartbeatReply>> Heartbeat() => await _heartbeats.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30));

    public bool HasHeartbeat => _heartbeats.Reader.TryPeek(out _);

    public bool HasRoutingQuestion => _routing.Reader.TryPeek(out _);

    public ValueTask<Result<RoutingInfo?>> GetRoutingAsync(string clusterId, RoutingVersion have, TimeSpan wait, CancellationToken ct) =>
        Ask(_routing, new Question<RoutingInfo?>(have, ct));

    public ValueTask<Result<HeartbeatReply>> HeartbeatAsync(string clusterId, Heartbeat heartbeat, CancellationToken ct) =>
        Ask(_heartbeats, new Question<HeartbeatReply>(heartbeat, ct));

    private static ValueTask<Result<T>> Ask<T>(Channel<Question<T>> queue, Question<T> question)
    {
        question.Token.Register(() => question.Answer(new Status(StatusCode.Cancelled)));
        queue.Writer.TryWrite(question);
        return new(question.Answered);
    }

    public ValueTask<Result<RoutingInfo?>> GetRoutingAsync(string clusterId, RoutingVersion have, CancellationToken ct) => throw new NotSupportedException();
    public ValueTask<Result<NodeInfo?>> GetPrimaryAsync(string clusterId, CancellationToken ct) => throw new NotSupportedException();
    public ValueTask<Status> RegisterNodeAsync(string clusterId, NodeId id, NodeKind kind, CancellationToken ct) => throw new NotSupportedException();
    public ValueTask<Status> UnregisterNodeAsync(string clusterId, NodeId id, CancellationToken ct) => throw new NotSupportedException();
    public ValueTask<Status> SetNodeEnabledAsync(string clusterId, NodeId id, bool enabled, CancellationToken ct) => throw new NotSupportedException();
    public ValueTask<Status> SetNodeTagsAsync(string clusterId, NodeId id, ImmutableSortedDictionary<string, string> tags, CancellationToken ct) => throw new NotSupportedException();
    public ValueTask<Status> SetChainsAsync(string clusterId, ImmutableArray<ChainSetting> chains, CancellationToken ct) => throw new NotSupportedException();
    public ValueTask<Result<ChainTableVersion>> SetChainTableAsync(string clusterId, ChainTableId id, ImmutableArray<ChainId> chains, string description, CancellationToken ct) => throw new NotSupportedException();
    public ValueTask<Result<ChainInfo>> AddTargetAsync(string clusterId, ChainId chain, TargetId target, TargetId replaces, CancellationToken ct) => throw new NotSupportedException();
    public ValueTask<Result<ChainInfo>> RemoveTargetAsync(string clusterId, ChainId chain, TargetId target, CancellationToken ct) => throw new NotSupportedException();
    public ValueTask<Result<ChainInfo>> RotateLastServingAsync(string clusterId, ChainId chain, CancellationToken ct) => throw new NotSupportedException();
    public ValueTask<Result<ChainInfo>> SetPreferredOrderAsync(string clusterId, ChainId chain, ImmutableArray<TargetId> order, CancellationToken ct) => throw new NotSupportedException();
    public ValueTask<Result<ImmutableArray<TargetInfo>>> ListOrphanTargetsAsync(string clusterId, CancellationToken ct) => throw new NotSupportedException();
    public ValueTask<Result<ulong>> SetConfigAsync(string clusterId, NodeKind kind, string content, string description, CancellationToken ct) => throw new NotSupportedException();
    public ValueTask<Result<ConfigInfo?>> GetConfigAsync(string clusterId, NodeKind kind, CancellationToken ct) => throw new NotSupportedException();
    public ValueTask<Status> ExtendClientSessionAsync(string clusterId, ClientSession session, CancellationToken ct) => throw new NotSupportedException();
    public ValueTask<Result<ClientSessions>> ListClientSessionsAsync(string clusterId, CancellationToken ct) => throw new NotSupportedException();
}
