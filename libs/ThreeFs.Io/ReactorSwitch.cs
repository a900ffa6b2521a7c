using System.Runtime.CompilerServices;
using ThreeFs.Base;

namespace ThreeFs.Io;

/// <summary>
/// Awaiting it continues on the reactor's thread; at once when that is the current one. Throws when the reactor has
/// stopped.
/// </summary>
public readonly struct ReactorSwitch(Reactor reactor) : ICriticalNotifyCompletion
{
    public bool IsCompleted => reactor.IsCurrent;

    public ReactorSwitch GetAwaiter() => this;

    public void GetResult()
    {
        if (!reactor.IsCurrent) throw new StatusException(new Status(StatusCode.Unavailable, $"reactor {reactor.Name} has stopped"));
    }

    public void OnCompleted(Action continuation) => UnsafeOnCompleted(continuation);

    public void UnsafeOnCompleted(Action continuation)
    {
        if (!reactor.Post(static state => ((Action)state!)(), continuation)) continuation();
    }
}
