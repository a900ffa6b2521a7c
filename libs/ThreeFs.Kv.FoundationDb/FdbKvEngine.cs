using ThreeFs.Base;
using ThreeFs.Kv.FoundationDb.Binding;
using ThreeFs.Kv.FoundationDb.Native;

namespace ThreeFs.Kv.FoundationDb;

/// <summary>
/// The engine on a FoundationDB cluster, for production: any number of processes on any hosts share it. The design is
/// in docs/adr/0012-foundationdb.md, how to run it in docs/operations/foundationdb.md.
/// <list type="bullet">
/// <item>Transactions are FoundationDB's, unchanged; their keys have the prefix of the cluster
/// (<see cref="Subspace"/>).</item>
/// <item>Every call goes to the library's network thread and back; what follows an await runs where it was captured, or
/// on the thread pool.</item>
/// <item>While the database cannot be reached, transactions wait for it up to their timeout: TxUnreachable, of a commit
/// TxMaybeCommitted.</item>
/// <item>The library and its network are the process's: the first engine's library and trace directory count.</item>
/// </list>
/// </summary>
public sealed class FdbKvEngine : IKvEngine
{
    private readonly FdbDatabase _database;

    private FdbKvEngine(FdbDatabase database, Subspace subspace, IKvObserver observer, TimeProvider time)
    {
        _database = database;
        Subspace = subspace;
        Observer = observer;
        Time = time;
    }

    /// <summary>The version of the client library, such as "7.3.79".</summary>
    public static string ClientVersion => FdbLibrary.ClientVersion;

    internal Subspace Subspace { get; }
    internal IKvObserver Observer { get; }
    internal TimeProvider Time { get; }

    /// <summary>
    /// Loads the library, starts the network and asks the database for a version. Every failure is a sentence that says
    /// what to do: InvalidArgument for a bad setting or cluster file, Unavailable for a library or database that is not
    /// there, old, or locked.
    /// </summary>
    public static async ValueTask<Result<FdbKvEngine>> OpenAsync(
        FdbKvOptions options, TimeProvider time, CancellationToken ct = default)
    {
        var subspace = Subspace.Of(options.ClusterId);
        if (!subspace.IsOk) return subspace.Status;
        var file = ClusterFile.Read(options.ClusterFile);
        if (!file.IsOk) return file.Status;
        var status = FdbLibrary.Load(options.Library);
        if (status.IsOk) status = FdbNetwork.Start(NetworkOptions(options));
        if (!status.IsOk) return status;
        var opened = FdbDatabase.Open(options.ClusterFile);
        if (!opened.TryGet(out var database)) return opened.Status;

        status = await CheckAsync(database, file.Value, options.OpenTimeout, ct);
        if (status.IsOk) status = SetTimeout(database, options.TransactionTimeout);
        if (status.IsOk) return new FdbKvEngine(database, subspace.Value, options.Observer, time);
        database.Dispose();
        return status;
    }

    public IKvTransaction BeginTransaction() => new FdbKvTransaction(this, readOnly: false);

    public IKvReadTransaction BeginReadOnly() => new FdbKvTransaction(this, readOnly: true);

    /// <summary>FoundationDB acknowledges only what is on stable storage.</summary>
    public ValueTask<Status> FlushAsync(CancellationToken ct = default) => new(Status.Ok);

    public ValueTask DisposeAsync()
    {
        _database.Dispose();
        return default;
    }

    internal FdbTransaction BeginNative() => _database.BeginTransaction();

    private static (FdbNetworkOption, string?)[] NetworkOptions(FdbKvOptions options) =>
        options.TraceDirectory is { } trace
            ? [(FdbNetworkOption.TraceEnable, trace), (FdbNetworkOption.TraceFormat, "json")]
            : [];

    private static Status SetTimeout(FdbDatabase database, TimeSpan timeout)
    {
        var error = database.SetOption(FdbDatabaseOption.TransactionTimeout, (long)timeout.TotalMilliseconds);
        return error is FdbError.Success
            ? Status.Ok
            : new Status(StatusCode.Internal, $"the transaction timeout cannot be set: {FdbErrors.Describe(error)}");
    }

    private static async ValueTask<Status> CheckAsync(
        FdbDatabase database, ClusterFile file, TimeSpan timeout, CancellationToken ct)
    {
        using var transaction = database.BeginTransaction();
        transaction.SetOption(FdbTransactionOption.Timeout, (long)timeout.TotalMilliseconds);
        var version = await transaction.GetReadVersionAsync(ct);
        return version.Error switch
        {
            FdbError.Success => Status.Ok,
            FdbError.OperationCancelled => new Status(StatusCode.Cancelled, "the caller gave up on the database"),
            FdbError.TransactionTimedOut => new Status(
                StatusCode.Unavailable,
                $"FoundationDB cluster of {file.Path} does not answer within {timeout.TotalSeconds:0.#} s "
                + $"(coordinators {file.Coordinators}, client {FdbLibrary.ClientVersion}): does fdbserver run there, "
                + $"and of the same release? Ask `fdbcli -C {file.Path} --exec status`"),
            FdbError.DatabaseLocked => new Status(
                StatusCode.Unavailable,
                $"the FoundationDB database of {file.Path} is locked, as a restore or a switch of sites does: "
                + $"wait for its end, or unlock it with `fdbcli -C {file.Path} --exec 'unlock UID'`"),
            var error => new Status(
                StatusCode.Unavailable, $"FoundationDB cluster of {file.Path}: {FdbErrors.Describe(error)}"),
        };
    }
}
