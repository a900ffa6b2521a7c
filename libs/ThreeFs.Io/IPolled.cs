namespace ThreeFs.Io;

/// <summary>
/// Something in memory that others fill without telling the kernel. The reactor looks while it has work anyway, and
/// has itself woken when it is about to sleep. Reactor's thread.
/// </summary>
public interface IPolled
{
    /// <summary>Takes some of what is there; false when there was nothing.</summary>
    bool Poll();

    /// <summary>
    /// Announces that this side sleeps and has to be woken (by whatever makes something complete on the reactor);
    /// false when something has come meanwhile: then nothing is announced.
    /// </summary>
    bool TrySleep();

    /// <summary>Takes the announcement back: this side looks by itself again.</summary>
    void Wake();
}
