using System.Text;
using ThreeFs.Base;
using ThreeFs.Kv.FoundationDb.Native;

namespace ThreeFs.Kv.FoundationDb.Binding;

/// <summary>
/// A connection to a cluster. Opening one neither waits nor tells whether the cluster is there: the first transaction
/// does. Thread-safe. May be disposed before its transactions.
/// </summary>
internal sealed unsafe class FdbDatabase : IDisposable
{
    private readonly FdbDatabaseHandle _handle;

    private FdbDatabase(nint handle) => _handle = new FdbDatabaseHandle(handle);

    /// <summary>Of the whole process: 0 the network's thread idles, 1 it is the limit.</summary>
    public double NetworkBusyness => Fdb.DatabaseGetMainThreadBusyness(_handle);

    /// <summary>The library must be loaded and the network run.</summary>
    public static Result<FdbDatabase> Open(string clusterFile)
    {
        var error = Fdb.CreateDatabase(clusterFile, out var handle);
        if (error is FdbError.Success) return new FdbDatabase(handle);
        return new Status(StatusCode.Unavailable, $"{clusterFile} cannot be used: {FdbErrors.Describe(error)}");
    }

    public FdbError SetOption(FdbDatabaseOption option, long value) => SetOption(option, BitConverter.GetBytes(value));

    public FdbError SetOption(FdbDatabaseOption option, string value) =>
        SetOption(option, Encoding.UTF8.GetBytes(value));

    public FdbError SetOption(FdbDatabaseOption option, ReadOnlySpan<byte> value = default)
    {
        fixed (byte* pointer = value) return Fdb.DatabaseSetOption(_handle, option, pointer, value.Length);
    }

    public FdbTransaction BeginTransaction()
    {
        var referenced = false;
        _handle.DangerousAddRef(ref referenced);
        var error = Fdb.DatabaseCreateTransaction(_handle, out var transaction);
        if (error is FdbError.Success) return new FdbTransaction(new FdbTransactionHandle(_handle, transaction));
        _handle.DangerousRelease();
        throw new StatusException(
            new Status(StatusCode.Internal, $"a transaction cannot be created: {FdbErrors.Describe(error)}"));
    }

    /// <summary>The protocol version of the cluster, which the first coordinator that answers tells.</summary>
    public ValueTask<FdbResult<ulong>> GetServerProtocolAsync(CancellationToken ct = default) =>
        FdbFuture<FdbResult<ulong>, UInt64Reader>.Await(Fdb.DatabaseGetServerProtocol(_handle, 0), default, ct);

    public void Dispose() => _handle.Dispose();
}
