using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Client.Files;
using ThreeFs.Contracts.Meta;

namespace ThreeFs.Fuse.Cluster;

/// <summary>The bytes of one file, shared by all its open handles. Thread-safe; parallel writes are allowed.</summary>
internal interface IFileContent
{
    /// <summary>
    /// Fills the whole destination; what was never written is zero. The caller knows the length of the file and asks
    /// for nothing behind it.
    /// </summary>
    ValueTask<StatusCode> ReadAsync(long offset, IoMemory destination, CancellationToken ct);

    /// <summary>Stores the bytes on every serving replica.</summary>
    ValueTask<StatusCode> WriteAsync(long offset, IoMemory source, CancellationToken ct);

    /// <summary>
    /// Makes the range read as zeros and gives back what space it can. The metadata service knows the file's length.
    /// </summary>
    ValueTask<Status> ClearAsync(long offset, long length, IoMemory zeros, CancellationToken ct);

    /// <summary>The content on the storage servers, for reads of many files at once.</summary>
    ValueTask<Result<FileContent>> OpenAsync(CancellationToken ct);

    /// <summary>Everything written before is on stable storage.</summary>
    ValueTask<Status> FlushAsync(CancellationToken ct);

    /// <summary>The file's length was set: chunks changed that were not written through here.</summary>
    void Truncated(InodeAttr after);
}

/// <summary>Where contents come from.</summary>
internal interface IContentSource
{
    /// <param name="created">The file was made just now: nobody has written to it.</param>
    IFileContent Open(InodeAttr attr, bool created);

    /// <summary>Everything written through any content of this source before, closed ones too, is on stable storage.</summary>
    ValueTask<Status> FlushAllAsync(CancellationToken ct);
}
