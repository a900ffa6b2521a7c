namespace ThreeFs.Client.Storage;

/// <summary>What the storage client did besides succeeding at once; hosts export it as metrics.</summary>
public sealed class StorageClientCounters
{
    private long _reads, _updates, _retries, _checksumErrors, _failures;

    /// <summary>Read operations begun.</summary>
    public long Reads => Interlocked.Read(ref _reads);

    /// <summary>Update operations begun.</summary>
    public long Updates => Interlocked.Read(ref _updates);

    /// <summary>Attempts after the first.</summary>
    public long Retries => Interlocked.Read(ref _retries);

    /// <summary>Reads whose bytes did not match their checksum; each was read again elsewhere.</summary>
    public long ChecksumErrors => Interlocked.Read(ref _checksumErrors);

    /// <summary>Operations given up with an error that was not the caller's.</summary>
    public long Failures => Interlocked.Read(ref _failures);

    internal void CountRead() => Interlocked.Increment(ref _reads);
    internal void CountUpdate() => Interlocked.Increment(ref _updates);
    internal void CountRetry() => Interlocked.Increment(ref _retries);
    internal void CountChecksumError() => Interlocked.Increment(ref _checksumErrors);
    internal void CountFailure() => Interlocked.Increment(ref _failures);
}
