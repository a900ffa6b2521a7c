namespace ThreeFs.Client.Storage;

/// <summary>What the storage client did besides succeeding at once; hosts export it as metrics.</summary>
public sealed class StorageClientCounters
{
    private long _reads, _updates, _retries, _checksumErrors, _failures, _localReads, _localBytes, _localFailures;

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

    /// <summary>Reads whose bytes went from the device of a server of this host straight into the caller's memory.</summary>
    public long LocalReads => Interlocked.Read(ref _localReads);

    /// <inheritdoc cref="LocalReads"/>
    public long LocalBytes => Interlocked.Read(ref _localBytes);

    /// <summary>Such reads that came to nothing (too late, other bytes than announced) and were made again through the server.</summary>
    public long LocalFailures => Interlocked.Read(ref _localFailures);

    internal void CountLocal(long bytes)
    {
        Interlocked.Increment(ref _localReads);
        Interlocked.Add(ref _localBytes, bytes);
    }

    internal void CountLocalFailure() => Interlocked.Increment(ref _localFailures);

    internal void CountRead() => Interlocked.Increment(ref _reads);
    internal void CountUpdate() => Interlocked.Increment(ref _updates);
    internal void CountRetry() => Interlocked.Increment(ref _retries);
    internal void CountChecksumError() => Interlocked.Increment(ref _checksumErrors);
    internal void CountFailure() => Interlocked.Increment(ref _failures);
}
