using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using ThreeFs.Base;
using ThreeFs.Client.Mgmtd;
using ThreeFs.Contracts.Routing;
using ThreeFs.Mgmtd.Tests.Support;

namespace ThreeFs.Mgmtd.Tests.Client;

public sealed class RoutingCacheTests : IAsyncLifetime
{
    private readonly FakeTimeProvider _time = new();
    private readonly ScriptedMgmtd _mgmtd = new();
    private readonly RoutingCache _cache;

    public RoutingCacheTests() => _cache = new RoutingCache(_mgmtd, "c", _time, NullLoggerFactory.Instance);

    public Task InitializeAsync() => NoContext.RunAsync(() =>
    {
        _cache.Start();
        return Task.CompletedTask;
    });

    public async Task DisposeAsync() => await _cache.DisposeAsync();

    [Fact]
    public Task Each_answer_is_taken_in_and_the_next_question_stays_open() => NoContext.RunAsync(async () =>
    {
        Assert.Same(RoutingInfo.Empty, _cache.Current);
        var seen = new List<ulong>();
        _cache.Changed += r => seen.Add(r.Version.Value);
        for (ulong version = 1; version <= 3; version++)
        {
            var question = await _mgmtd.RoutingQuestion();
            Assert.Equal(new RoutingVersion(version - 1), question.Asked);
            question.Answer(Version(version));
        }

        await _mgmtd.RoutingQuestion();
        Assert.Equal(3u, _cache.Current.Version.Value);
        Assert.Equal([1, 2, 3], seen);
    });

    [Fact]
    public Task An_older_version_is_ignored() => NoContext.RunAsync(async () =>
    {
        (await _mgmtd.RoutingQuestion()).Answer(Version(5));
        (await _mgmtd.RoutingQuestion()).Answer(Version(4));
        (await _mgmtd.RoutingQuestion()).Answer((RoutingInfo?)null);
        await _mgmtd.RoutingQuestion();
        Assert.Equal(5u, _cache.Current.Version.Value);
    });

    [Fact]
    public Task Waiting_ends_with_the_wanted_version_or_when_given_up() => NoContext.RunAsync(async () =>
    {
        var wanted = _cache.WaitFor(r => r.Version.Value >= 2, default).AsTask();
        using var givenUp = new CancellationTokenSource();
        var never = _cache.WaitFor(r => r.Version.Value >= 9, givenUp.Token).AsTask();
        (await _mgmtd.RoutingQuestion()).Answer(Version(1));
        var second = await _mgmtd.RoutingQuestion();
        Assert.False(wanted.IsCompleted);
        second.Answer(Version(2));
        Assert.Equal(2u, Expect.Ok(await wanted).Version.Value);
        await givenUp.CancelAsync();
        Expect.Fails(StatusCode.Cancelled, (await never).Status, "did not come");
    });

    [Fact]
    public Task A_failure_is_followed_by_a_pause_that_a_request_ends() => NoContext.RunAsync(async () =>
    {
        (await _mgmtd.RoutingQuestion()).Answer(new Status(StatusCode.ConnectFailed));
        Assert.False(_mgmtd.HasRoutingQuestion);
        _time.Advance(TimeSpan.FromMilliseconds(50));
        (await _mgmtd.RoutingQuestion()).Answer(new Status(StatusCode.ConnectFailed));
        _time.Advance(TimeSpan.FromMilliseconds(50));
        Assert.False(_mgmtd.HasRoutingQuestion);
        _cache.RequestRefresh();
        (await _mgmtd.RoutingQuestion()).Answer(Version(1));
        await _mgmtd.RoutingQuestion();
        Assert.Equal(1u, _cache.Current.Version.Value);
    });

    [Fact]
    public Task How_long_nobody_answers_is_known_until_somebody_does() => NoContext.RunAsync(async () =>
    {
        Assert.Null(_cache.FailingFor);
        (await _mgmtd.RoutingQuestion()).Answer(new Status(StatusCode.ConnectFailed));
        _time.Advance(TimeSpan.FromMilliseconds(50));
        (await _mgmtd.RoutingQuestion()).Answer(new Status(StatusCode.ConnectFailed));
        _time.Advance(TimeSpan.FromMilliseconds(100));
        var question = await _mgmtd.RoutingQuestion();
        Assert.Equal(TimeSpan.FromMilliseconds(150), _cache.FailingFor);
        question.Answer((RoutingInfo?)null);
        await _mgmtd.RoutingQuestion();
        Assert.Null(_cache.FailingFor);
    });

    [Fact]
    public Task A_storm_of_requests_costs_one_question_a_pause() => NoContext.RunAsync(async () =>
    {
        var open = await _mgmtd.RoutingQuestion();
        for (var i = 0; i < 1000; i++) _cache.RequestRefresh();
        Assert.True(open.Token.IsCancellationRequested);
        Assert.False(_mgmtd.HasRoutingQuestion);
        _time.Advance(TimeSpan.FromMilliseconds(50));
        var next = await _mgmtd.RoutingQuestion();
        Assert.False(next.Token.IsCancellationRequested);
        Assert.False(_mgmtd.HasRoutingQuestion);
    });

    private static RoutingInfo Version(ulong version) => new(new RoutingVersion(version), [], [], [], []);
}
