using ThreeFs.Base;

namespace ThreeFs.Contracts.Meta;

/// <summary>
/// A metadata server's right to cut a file's chunks: storage takes the order with the highest version, and nothing may be sent for an
/// order that is too old. Made before the server looks whether the request was done by somebody else, so what an old server
/// still sends was not done by another one before the order was made.
/// </summary>
/// <remarks>
/// Two clocks, and the one that shows more time counts: the monotonic one runs on while a process is stopped, the wall clock also while a
/// machine was.
/// </remarks>
public sealed record CutOrder
{
    /// <summary>
    /// How long anything may be sent for an order; well below the time after which a client asks another server about a
    /// silent one.
    /// </summary>
    public static readonly TimeSpan Life = TimeSpan.FromSeconds(10);

    private readonly TimeProvider _time;
    private readonly long _started;
    private readonly DateTimeOffset _since;

    public CutOrder(TimeProvider time)
    {
        _time = time;
        _started = time.GetTimestamp();
        _since = time.GetUtcNow();
    }

    /// <summary>The file's truncate version, raised for this order alone.</summary>
    public TruncateVersion Version { get; init; }

    /// <summary>Time left; not positive when nothing may be sent any more.</summary>
    public TimeSpan Left
    {
        get
        {
            var elapsed = _time.GetElapsedTime(_started);
            var byWallClock = _time.GetUtcNow() - _since;
            return Life - (byWallClock > elapsed ? byWallClock : elapsed);
        }
    }
}
