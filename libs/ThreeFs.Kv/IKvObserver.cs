using ThreeFs.Base;

namespace ThreeFs.Kv;

/// <summary>Told what an engine does, to count it. Called from any thread, must return at once.</summary>
public interface IKvObserver
{
    /// <summary>A commit that wrote something is over.</summary>
    /// <param name="code">How it ended.</param>
    /// <param name="operations">Mutations it held.</param>
    /// <param name="elapsed">From its start until its caller goes on.</param>
    void CommitDone(StatusCode code, int operations, TimeSpan elapsed);

    /// <summary>A read of a version, a key or a range is over.</summary>
    void ReadDone(StatusCode code, TimeSpan elapsed);
}

/// <summary>Counts nothing.</summary>
public sealed class NoKvObserver : IKvObserver
{
    public static NoKvObserver Instance { get; } = new();

    public void CommitDone(StatusCode code, int operations, TimeSpan elapsed)
    {
    }

    public void ReadDone(StatusCode code, TimeSpan elapsed)
    {
    }
}
