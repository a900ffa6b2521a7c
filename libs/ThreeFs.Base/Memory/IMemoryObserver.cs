namespace ThreeFs.Base.Memory;

/// <summary>
/// Hears of native memory that lives long and that data is moved to and from, so that a device can be given access to it
/// once instead of at every transfer. Called by any thread.
/// </summary>
public interface IMemoryObserver
{
    /// <summary>The memory exists from now on.</summary>
    void Added(nint address, long length);

    /// <summary>It is about to be freed or unmapped; nothing is moved to or from it any more.</summary>
    void Removing(nint address);
}
