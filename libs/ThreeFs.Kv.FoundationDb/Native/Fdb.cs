using System.Runtime.InteropServices;

namespace ThreeFs.Kv.FoundationDb.Native;

/// <summary>
/// The part of fdb_c.h, API version 730, that the binding calls. Rules of the library that the binding keeps:
/// <list type="bullet">
/// <item>The API version is selected once a process, the network set up once, run by one thread until it is stopped,
/// and never again.</item>
/// <item>A future belongs to who got it and is destroyed once; its memory (values, rows) is gone then. Its callback
/// runs once, on the network's thread or inside of <see cref="FutureSetCallback"/>, and must not block.</item>
/// <item>Keys and values handed in are copied before a call returns.</item>
/// <item>Everything but a transaction's own order of calls is thread-safe.</item>
/// </list>
/// </summary>
internal static unsafe partial class Fdb
{
    internal const string Library = "fdb_c";

    public const int ApiVersion = 730;

    [LibraryImport(Library, EntryPoint = "fdb_get_max_api_version")]
    public static partial int GetMaxApiVersion();

    [LibraryImport(Library, EntryPoint = "fdb_get_client_version")]
    public static partial byte* GetClientVersion();

    [LibraryImport(Library, EntryPoint = "fdb_select_api_version_impl")]
    public static partial FdbError SelectApiVersion(int runtimeVersion, int headerVersion);

    [LibraryImport(Library, EntryPoint = "fdb_get_error")]
    public static partial byte* GetError(FdbError code);

    [LibraryImport(Library, EntryPoint = "fdb_error_predicate")]
    public static partial int ErrorPredicate(FdbErrorPredicate predicate, FdbError code);

    [LibraryImport(Library, EntryPoint = "fdb_network_set_option")]
    public static partial FdbError NetworkSetOption(FdbNetworkOption option, byte* value, int length);

    [LibraryImport(Library, EntryPoint = "fdb_setup_network")]
    public static partial FdbError SetupNetwork();

    [LibraryImport(Library, EntryPoint = "fdb_run_network")]
    public static partial FdbError RunNetwork();

    [LibraryImport(Library, EntryPoint = "fdb_stop_network")]
    public static partial FdbError StopNetwork();

    [LibraryImport(Library, EntryPoint = "fdb_future_cancel")]
    public static partial void FutureCancel(nint future);

    [LibraryImport(Library, EntryPoint = "fdb_future_destroy")]
    public static partial void FutureDestroy(nint future);

    [LibraryImport(Library, EntryPoint = "fdb_future_is_ready")]
    public static partial int FutureIsReady(nint future);

    [LibraryImport(Library, EntryPoint = "fdb_future_set_callback")]
    public static partial FdbError FutureSetCallback(
        nint future, delegate* unmanaged[Cdecl]<nint, nint, void> callback, nint state);

    [LibraryImport(Library, EntryPoint = "fdb_future_get_error")]
    public static partial FdbError FutureGetError(nint future);

    [LibraryImport(Library, EntryPoint = "fdb_future_get_int64")]
    public static partial FdbError FutureGetInt64(nint future, out long value);

    [LibraryImport(Library, EntryPoint = "fdb_future_get_uint64")]
    public static partial FdbError FutureGetUInt64(nint future, out ulong value);

    [LibraryImport(Library, EntryPoint = "fdb_future_get_key")]
    public static partial FdbError FutureGetKey(nint future, out byte* key, out int length);

    [LibraryImport(Library, EntryPoint = "fdb_future_get_value")]
    public static partial FdbError FutureGetValue(nint future, out int present, out byte* value, out int length);

    [LibraryImport(Library, EntryPoint = "fdb_future_get_keyvalue_array")]
    public static partial FdbError FutureGetKeyValueArray(
        nint future, out FdbKeyValue* rows, out int count, out int more);

    [LibraryImport(Library, EntryPoint = "fdb_future_get_key_array")]
    public static partial FdbError FutureGetKeyArray(nint future, out FdbKey* keys, out int count);

    [LibraryImport(Library, EntryPoint = "fdb_create_database", StringMarshalling = StringMarshalling.Utf8)]
    public static partial FdbError CreateDatabase(string clusterFile, out nint database);

    [LibraryImport(Library, EntryPoint = "fdb_database_destroy")]
    public static partial void DatabaseDestroy(nint database);

    [LibraryImport(Library, EntryPoint = "fdb_database_set_option")]
    public static partial FdbError DatabaseSetOption(
        FdbDatabaseHandle database, FdbDatabaseOption option, byte* value, int length);

    [LibraryImport(Library, EntryPoint = "fdb_database_create_transaction")]
    public static partial FdbError DatabaseCreateTransaction(FdbDatabaseHandle database, out nint transaction);

    [LibraryImport(Library, EntryPoint = "fdb_database_get_main_thread_busyness")]
    public static partial double DatabaseGetMainThreadBusyness(FdbDatabaseHandle database);

    [LibraryImport(Library, EntryPoint = "fdb_database_get_server_protocol")]
    public static partial nint DatabaseGetServerProtocol(FdbDatabaseHandle database, ulong expected);

    [LibraryImport(Library, EntryPoint = "fdb_transaction_destroy")]
    public static partial void TransactionDestroy(nint transaction);

    [LibraryImport(Library, EntryPoint = "fdb_transaction_cancel")]
    public static partial void TransactionCancel(FdbTransactionHandle transaction);

    [LibraryImport(Library, EntryPoint = "fdb_transaction_reset")]
    public static partial void TransactionReset(FdbTransactionHandle transaction);

    [LibraryImport(Library, EntryPoint = "fdb_transaction_set_option")]
    public static partial FdbError TransactionSetOption(
        FdbTransactionHandle transaction, FdbTransactionOption option, byte* value, int length);

    [LibraryImport(Library, EntryPoint = "fdb_transaction_set_read_version")]
    public static partial void TransactionSetReadVersion(FdbTransactionHandle transaction, long version);

    [LibraryImport(Library, EntryPoint = "fdb_transaction_get_read_version")]
    public static partial nint TransactionGetReadVersion(FdbTransactionHandle transaction);

    [LibraryImport(Library, EntryPoint = "fdb_transaction_get")]
    public static partial nint TransactionGet(FdbTransactionHandle transaction, byte* key, int length, int snapshot);

    [LibraryImport(Library, EntryPoint = "fdb_transaction_get_key")]
    public static partial nint TransactionGetKey(
        FdbTransactionHandle transaction, byte* key, int length, int orEqual, int offset, int snapshot);

    [LibraryImport(Library, EntryPoint = "fdb_transaction_get_range")]
    public static partial nint TransactionGetRange(
        FdbTransactionHandle transaction,
        byte* begin,
        int beginLength,
        int beginOrEqual,
        int beginOffset,
        byte* end,
        int endLength,
        int endOrEqual,
        int endOffset,
        int limit,
        int targetBytes,
        FdbStreamingMode mode,
        int iteration,
        int snapshot,
        int reverse);

    [LibraryImport(Library, EntryPoint = "fdb_transaction_get_estimated_range_size_bytes")]
    public static partial nint TransactionGetEstimatedRangeSizeBytes(
        FdbTransactionHandle transaction, byte* begin, int beginLength, byte* end, int endLength);

    [LibraryImport(Library, EntryPoint = "fdb_transaction_get_range_split_points")]
    public static partial nint TransactionGetRangeSplitPoints(
        FdbTransactionHandle transaction, byte* begin, int beginLength, byte* end, int endLength, long chunkSize);

    [LibraryImport(Library, EntryPoint = "fdb_transaction_set")]
    public static partial void TransactionSet(
        FdbTransactionHandle transaction, byte* key, int keyLength, byte* value, int valueLength);

    [LibraryImport(Library, EntryPoint = "fdb_transaction_atomic_op")]
    public static partial void TransactionAtomicOp(
        FdbTransactionHandle transaction,
        byte* key,
        int keyLength,
        byte* operand,
        int operandLength,
        FdbMutation mutation);

    [LibraryImport(Library, EntryPoint = "fdb_transaction_clear")]
    public static partial void TransactionClear(FdbTransactionHandle transaction, byte* key, int length);

    [LibraryImport(Library, EntryPoint = "fdb_transaction_clear_range")]
    public static partial void TransactionClearRange(
        FdbTransactionHandle transaction, byte* begin, int beginLength, byte* end, int endLength);

    [LibraryImport(Library, EntryPoint = "fdb_transaction_add_conflict_range")]
    public static partial FdbError TransactionAddConflictRange(
        FdbTransactionHandle transaction,
        byte* begin,
        int beginLength,
        byte* end,
        int endLength,
        FdbConflictRange kind);

    [LibraryImport(Library, EntryPoint = "fdb_transaction_watch")]
    public static partial nint TransactionWatch(FdbTransactionHandle transaction, byte* key, int length);

    [LibraryImport(Library, EntryPoint = "fdb_transaction_commit")]
    public static partial nint TransactionCommit(FdbTransactionHandle transaction);

    [LibraryImport(Library, EntryPoint = "fdb_transaction_get_committed_version")]
    public static partial FdbError TransactionGetCommittedVersion(FdbTransactionHandle transaction, out long version);

    [LibraryImport(Library, EntryPoint = "fdb_transaction_get_approximate_size")]
    public static partial nint TransactionGetApproximateSize(FdbTransactionHandle transaction);

    [LibraryImport(Library, EntryPoint = "fdb_transaction_get_versionstamp")]
    public static partial nint TransactionGetVersionstamp(FdbTransactionHandle transaction);

    [LibraryImport(Library, EntryPoint = "fdb_transaction_on_error")]
    public static partial nint TransactionOnError(FdbTransactionHandle transaction, FdbError error);
}
