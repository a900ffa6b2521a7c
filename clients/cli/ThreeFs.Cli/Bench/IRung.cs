using ThreeFs.Base;
using ThreeFs.Base.Memory;

namespace ThreeFs.Cli.Bench;

/// <summary>
/// One level of the ladder as a file of fixed length: the same bytes at the same offsets, through more and more of the
/// system, so that what a layer costs is the difference between two rungs. Operations are called on the bench's
/// reactor, many at once.
/// </summary>
internal interface IRung : IAsyncDisposable
{
    /// <summary>One word, for the table.</summary>
    string Name { get; }

    /// <summary>Reads exactly the memory's length.</summary>
    ValueTask<Status> ReadAsync(long offset, IoMemory destination);

    ValueTask<Status> WriteAsync(long offset, IoMemory source);

    /// <summary>Everything written is on stable storage.</summary>
    ValueTask<Status> FlushAsync();
}
