using System.Runtime.CompilerServices;
using ThreeFs.Transport;

namespace ThreeFs.Client.Storage.Places;

/// <summary>Awaiting it continues on a connection's reactor, at once when already there; false when that has stopped.</summary>
internal readonly struct LocalEntry(ILocalFiles files) : ICriticalNotifyCompletion
{
    private static readonly Action<object?> _run = static state => ((Action)state!)();

    public LocalEntry GetAwaiter() => this;

    public bool IsCompleted => files.IsCurrent;

    public bool GetResult() => files.IsCurrent;

    public void OnCompleted(Action continuation) => UnsafeOnCompleted(continuation);

    public void UnsafeOnCompleted(Action continuation)
    {
        if (!files.Post(_run, continuation)) continuation();
    }
}
