using ThreeFs.Base;
using ThreeFs.Io;
using ThreeFs.Io.Linux;

namespace ThreeFs.Fuse.Rings;

/// <summary>
/// Waits for a submit semaphore on a reactor, between everything else that it does, and has the rings looked at when it is posted or when a
/// time is over. All on the reactor's thread, except <see cref="Stop"/>.
/// </summary>
/// <remarks>
/// Posts are taken before the rings are looked at and waited for again afterwards: one that comes between finds its word not 0, and the kernel
/// does not begin to wait.
/// </remarks>
internal sealed class RingWakeUp
{
    private readonly Reactor _reactor;
    private readonly SubmitSemaphore _semaphore;
    private readonly Func<TimeSpan> _look;
    private readonly Action _cannotWait;
    private readonly FutexWatch _watch;
    private readonly ITimer _timer;
    private bool _isOver;

    /// <param name="look">Looks at the rings, and answers when to look again at the latest; zero: at once.</param>
    /// <param name="cannotWait">Called instead of ever looking, where the kernel has no such wait.</param>
    public RingWakeUp(Reactor reactor, SubmitSemaphore semaphore, Func<TimeSpan> look, Action cannotWait)
    {
        (_reactor, _semaphore, _look, _cannotWait) = (reactor, semaphore, look, cannotWait);
        _watch = new FutexWatch(reactor, semaphore.Word, Woken);
        _timer = reactor.Time.CreateTimer(
            static state => ((RingWakeUp)state!).Look(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        Post(static state => ((RingWakeUp)state!).Wait());
    }

    /// <summary>When it returns, nothing is looked at any more and the semaphore is not used. Not on the reactor.</summary>
    public void Stop()
    {
        try
        {
            _reactor.InvokeAsync(async () =>
            {
                _isOver = true;
                _timer.Dispose();
                await _watch.StopAsync();
            }).GetAwaiter().GetResult();
        }
        catch (StatusException e) when (e.Status.Code == StatusCode.Unavailable)
        {
            // The reactor has stopped, and with it the wait.
        }
    }

    private void Wait()
    {
        if (_isOver) return;
        _semaphore.BeginWait();
        _watch.Wait();
    }

    private void Woken(int error)
    {
        _semaphore.EndWait();
        if (error is not (0 or Errno.EAGAIN or Errno.EINTR))
        {
            _isOver = true;
            _timer.Dispose();
            _cannotWait();
            return;
        }

        Look();
        Wait();
    }

    private void Look()
    {
        if (_isOver) return;
        var next = _look();
        if (next > TimeSpan.Zero) _timer.Change(next, Timeout.InfiniteTimeSpan);
        else Post(static state => ((RingWakeUp)state!).Look());
    }

    private void Post(Action<object?> work) => _reactor.Post(work, this);
}
