using ThreeFs.Io.Linux;

namespace ThreeFs.Io.Ring;

/// <summary>
/// Something the kernel does for us. Between <see cref="Reactor.Start"/> and <see cref="Complete"/> the kernel may
/// touch the operation's memory; both run on the reactor's thread, and each start is followed by exactly one
/// completion.
/// </summary>
internal abstract class RingOperation
{
    /// <summary>Completes here when the kernel answers; the operation may be started again from inside.</summary>
    public abstract void Complete(int result, uint flags);

    /// <summary>Writes what is to be done. May run later than the start, when the submission queue was full.</summary>
    public abstract void Prepare(ref Sqe sqe);

    /// <summary>Index of the operation among those in flight; −1 when it is not.</summary>
    internal int Slot { get; set; } = -1;
}
