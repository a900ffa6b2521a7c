using Microsoft.Extensions.Logging;
using ThreeFs.Base;
using ThreeFs.Contracts.Routing;
using ThreeFs.Storage.Server.Disks;
using ThreeFs.Storage.Targets;

namespace ThreeFs.Storage.Tests.Disks;

public sealed class ExpectedTargetsTests
{
    [Fact]
    public void A_target_that_is_known_here_and_is_on_no_disk_is_logged_once_until_it_was_back()
    {
        var log = new Lines();
        var expected = new ExpectedTargets(new NodeId(201), new ReplicaSet(), log);
        var routing = Routing((20101, 201), (20201, 202));
        expected.Compare(routing);
        expected.Compare(routing);
        Assert.Contains("target 20101 of chain 1", Assert.Single(log));
        expected.Compare(Routing((20101, 203)));
        expected.Compare(routing);
        Assert.Equal(2, log.Count);
    }

    private static RoutingInfo Routing(params (ulong Target, uint Node)[] targets) => new(
        new RoutingVersion(1), [], [],
        targets.Select(t => new TargetInfo(
            new TargetId(t.Target), new ChainId(1), TargetState.Offline, LocalTargetState.Offline, new NodeId(t.Node), 0, 0, false)),
        []);

    private sealed class Lines : List<string>, ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Add(formatter(state, exception));
    }
}
