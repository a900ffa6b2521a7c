using System.Runtime.CompilerServices;
using ThreeFs.Storage.Threading;

namespace ThreeFs.Storage.Server.Requests;

/// <summary>
/// Where a request came in and has to be answered, when its target lives on another reactor. With one reactor, and for targets
/// of the connection's own reactor, both moves are nothing.
/// </summary>
internal readonly struct Homing
{
    private readonly IExecutor? _home;

    private Homing(IExecutor? home) => _home = home;

    /// <summary>Remembers the present reactor when <paramref name="target"/> is another one.</summary>
    public static Homing From(IExecutor target) => new(target.IsCurrent ? null : ReactorExecutor.Current);

    public Return ReturnAsync() => new(_home);

    /// <summary>Awaiting it continues on the reactor the request came in on.</summary>
    public readonly struct Return(IExecutor? home) : ICriticalNotifyCompletion
    {
        private static readonly Action<object?> _run = static state => ((Action)state!)();

        public Return GetAwaiter() => this;

        public bool IsCompleted => home is null || home.IsCurrent;

        public void GetResult()
        {
        }

        public void OnCompleted(Action continuation) => home!.Post(_run, continuation);

        public void UnsafeOnCompleted(Action continuation) => home!.Post(_run, continuation);
    }
}
