using System.Runtime.CompilerServices;
using ThreeFs.Base;
using ThreeFs.Io;
using ThreeFs.Storage.Threading;

namespace ThreeFs.Storage.Server;

/// <summary>A reactor as the owner of targets.</summary>
internal sealed class ReactorExecutor : IExecutor
{
    private static readonly ConditionalWeakTable<Reactor, ReactorExecutor> _all = [];
    private readonly Reactor _reactor;

    public ReactorExecutor(Reactor reactor)
    {
        _reactor = reactor;
        _all.AddOrUpdate(reactor, this);
    }

    /// <summary>The executor of the present thread; null outside of reactors that own targets.</summary>
    public static ReactorExecutor? Current => Reactor.Current is { } reactor && _all.TryGetValue(reactor, out var executor) ? executor : null;

    public bool IsCurrent => _reactor.IsCurrent;

    public void Post(Action<object?> work, object? state)
    {
        var taken = _reactor.Post(work, state);
        Invariant.Check(taken, "a reactor outlives its targets");
    }
}
