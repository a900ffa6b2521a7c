using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace ThreeFs.FdbStandIn;

/// <summary>The functions of fdb_c.h that the binding calls, by their names and signatures.</summary>
internal static unsafe class Exports
{
    private static readonly int _maxApiVersion =
        int.TryParse(Environment.GetEnvironmentVariable("THREEFS_FDB_STANDIN_API"), out var version) ? version : 730;

    private static readonly nint _clientVersion =
        Marshal.StringToCoTaskMemUTF8($"{_maxApiVersion / 100}.{_maxApiVersion / 10 % 10}.0-standin,0,fdb00b073000000");

    private static readonly Dictionary<int, nint> _texts = [];
    private static int _apiVersion;

    [UnmanagedCallersOnly(EntryPoint = "fdb_get_max_api_version", CallConvs = [typeof(CallConvCdecl)])]
    private static int GetMaxApiVersion() => _maxApiVersion;

    [UnmanagedCallersOnly(EntryPoint = "fdb_get_client_version", CallConvs = [typeof(CallConvCdecl)])]
    private static nint GetClientVersion() => _clientVersion;

    [UnmanagedCallersOnly(EntryPoint = "fdb_select_api_version_impl", CallConvs = [typeof(CallConvCdecl)])]
    private static int SelectApiVersion(int runtime, int header)
    {
        if (_apiVersion != 0) return Errors.ApiVersionAlreadySet;
        if (runtime > header || header > _maxApiVersion) return Errors.ApiVersionNotSupported;
        _apiVersion = runtime;
        return 0;
    }

    [UnmanagedCallersOnly(EntryPoint = "fdb_get_error", CallConvs = [typeof(CallConvCdecl)])]
    private static nint GetError(int code)
    {
        lock (_texts)
        {
            if (!_texts.TryGetValue(code, out var text))
                _texts[code] = text = Marshal.StringToCoTaskMemUTF8(Errors.Text(code));
            return text;
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "fdb_error_predicate", CallConvs = [typeof(CallConvCdecl)])]
    private static int ErrorPredicate(int predicate, int code) => predicate switch
    {
        50000 => Int(Errors.IsRetryable(code)),
        50001 => Int(Errors.IsMaybeCommitted(code)),
        50002 => Int(Errors.IsRetryableNotCommitted(code)),
        _ => 0,
    };

    [UnmanagedCallersOnly(EntryPoint = "fdb_network_set_option", CallConvs = [typeof(CallConvCdecl)])]
    private static int NetworkSetOption(int option, byte* value, int length)
    {
        Control.Seen($"network {option} {Encoding.UTF8.GetString(new ReadOnlySpan<byte>(value, length))}");
        return 0;
    }

    [UnmanagedCallersOnly(EntryPoint = "fdb_setup_network", CallConvs = [typeof(CallConvCdecl)])]
    private static int SetupNetwork()
    {
        if (Network.IsSetUp) return Errors.NetworkAlreadySetup;
        Network.IsSetUp = true;
        return 0;
    }

    [UnmanagedCallersOnly(EntryPoint = "fdb_run_network", CallConvs = [typeof(CallConvCdecl)])]
    private static int RunNetwork()
    {
        if (!Network.IsSetUp) return Errors.NetworkNotSetup;
        Network.Run();
        return 0;
    }

    [UnmanagedCallersOnly(EntryPoint = "fdb_stop_network", CallConvs = [typeof(CallConvCdecl)])]
    private static int StopNetwork()
    {
        if (!Network.IsSetUp) return Errors.NetworkNotSetup;
        Network.Stop();
        return 0;
    }

    [UnmanagedCallersOnly(EntryPoint = "fdb_future_cancel", CallConvs = [typeof(CallConvCdecl)])]
    private static void FutureCancel(nint future) => Handles.Get<Future>(future, "fdb_future_cancel")?.Cancel();

    [UnmanagedCallersOnly(EntryPoint = "fdb_future_destroy", CallConvs = [typeof(CallConvCdecl)])]
    private static void FutureDestroy(nint future) => Handles.Remove<Future>(future, "fdb_future_destroy")?.Destroy();

    [UnmanagedCallersOnly(EntryPoint = "fdb_future_is_ready", CallConvs = [typeof(CallConvCdecl)])]
    private static int FutureIsReady(nint future) =>
        Int(Handles.Get<Future>(future, "fdb_future_is_ready") is { IsReady: true });

    [UnmanagedCallersOnly(EntryPoint = "fdb_future_set_callback", CallConvs = [typeof(CallConvCdecl)])]
    private static int FutureSetCallback(nint future, delegate* unmanaged[Cdecl]<nint, nint, void> callback, nint state)
    {
        var found = Handles.Get<Future>(future, "fdb_future_set_callback");
        if (found is null) return Errors.ClientInvalidOperation;
        found.SetCallback(callback, state);
        return 0;
    }

    [UnmanagedCallersOnly(EntryPoint = "fdb_future_get_error", CallConvs = [typeof(CallConvCdecl)])]
    private static int FutureGetError(nint future) => Ready(future, out _);

    [UnmanagedCallersOnly(EntryPoint = "fdb_future_get_int64", CallConvs = [typeof(CallConvCdecl)])]
    private static int FutureGetInt64(nint future, long* value)
    {
        var error = Ready(future, out var ready);
        if (error == 0) *value = ready.Number;
        return error;
    }

    [UnmanagedCallersOnly(EntryPoint = "fdb_future_get_uint64", CallConvs = [typeof(CallConvCdecl)])]
    private static int FutureGetUInt64(nint future, long* value)
    {
        var error = Ready(future, out var ready);
        if (error == 0) *value = ready.Number;
        return error;
    }

    [UnmanagedCallersOnly(EntryPoint = "fdb_future_get_key", CallConvs = [typeof(CallConvCdecl)])]
    private static int FutureGetKey(nint future, nint* key, int* length)
    {
        var error = Ready(future, out var ready);
        if (error == 0) (*key, *length) = (ready.Bytes, ready.Length);
        return error;
    }

    [UnmanagedCallersOnly(EntryPoint = "fdb_future_get_value", CallConvs = [typeof(CallConvCdecl)])]
    private static int FutureGetValue(nint future, int* present, nint* value, int* length)
    {
        var error = Ready(future, out var ready);
        if (error == 0) (*present, *value, *length) = (Int(ready.Flag), ready.Bytes, ready.Length);
        return error;
    }

    [UnmanagedCallersOnly(EntryPoint = "fdb_future_get_keyvalue_array", CallConvs = [typeof(CallConvCdecl)])]
    private static int FutureGetKeyValueArray(nint future, nint* rows, int* count, int* more)
    {
        var error = Ready(future, out var ready);
        if (error == 0) (*rows, *count, *more) = (ready.Bytes, ready.Length, Int(ready.Flag));
        return error;
    }

    [UnmanagedCallersOnly(EntryPoint = "fdb_future_get_key_array", CallConvs = [typeof(CallConvCdecl)])]
    private static int FutureGetKeyArray(nint future, nint* keys, int* count)
    {
        var error = Ready(future, out var ready);
        if (error == 0) (*keys, *count) = (ready.Bytes, ready.Length);
        return error;
    }

    [UnmanagedCallersOnly(EntryPoint = "fdb_create_database", CallConvs = [typeof(CallConvCdecl)])]
    private static int CreateDatabase(byte* path, nint* database)
    {
        var file = Marshal.PtrToStringUTF8((nint)path) ?? "";
        if (!File.Exists(file)) return Errors.NoClusterFile;
        *database = Handles.Add(Database.Open(file));
        return 0;
    }

    [UnmanagedCallersOnly(EntryPoint = "fdb_database_destroy", CallConvs = [typeof(CallConvCdecl)])]
    private static void DatabaseDestroy(nint database) => Handles.Remove<Database>(database, "fdb_database_destroy");

    [UnmanagedCallersOnly(EntryPoint = "fdb_database_set_option", CallConvs = [typeof(CallConvCdecl)])]
    private static int DatabaseSetOption(nint database, int option, byte* value, int length)
    {
        Control.Seen($"database {option} {Shown(value, length)}");
        Handles.Get<Database>(database, "fdb_database_set_option")?.SetOption(option, Number(value, length));
        return 0;
    }

    [UnmanagedCallersOnly(EntryPoint = "fdb_database_create_transaction", CallConvs = [typeof(CallConvCdecl)])]
    private static int DatabaseCreateTransaction(nint database, nint* transaction)
    {
        if (Handles.Get<Database>(database, "fdb_database_create_transaction") is not { } found)
            return Errors.ClientInvalidOperation;
        *transaction = Handles.Add(new Transaction(found));
        return 0;
    }

    [UnmanagedCallersOnly(EntryPoint = "fdb_database_get_main_thread_busyness", CallConvs = [typeof(CallConvCdecl)])]
    private static double DatabaseGetMainThreadBusyness(nint database) => 0.25;

    [UnmanagedCallersOnly(EntryPoint = "fdb_database_get_server_protocol", CallConvs = [typeof(CallConvCdecl)])]
    private static nint DatabaseGetServerProtocol(nint database, ulong expected)
    {
        var future = new Future(null);
        Network.Answer(() => future.Complete(0, f => f.Fill(0x0FDB00B073000000)));
        return future.Handle;
    }

    [UnmanagedCallersOnly(EntryPoint = "fdb_transaction_destroy", CallConvs = [typeof(CallConvCdecl)])]
    private static void TransactionDestroy(nint transaction) =>
        Handles.Remove<Transaction>(transaction, "fdb_transaction_destroy")?.Cancel();

    [UnmanagedCallersOnly(EntryPoint = "fdb_transaction_cancel", CallConvs = [typeof(CallConvCdecl)])]
    private static void TransactionCancel(nint transaction) => Of(transaction)?.Cancel();

    [UnmanagedCallersOnly(EntryPoint = "fdb_transaction_reset", CallConvs = [typeof(CallConvCdecl)])]
    private static void TransactionReset(nint transaction) => Of(transaction)?.Reset();

    [UnmanagedCallersOnly(EntryPoint = "fdb_transaction_set_option", CallConvs = [typeof(CallConvCdecl)])]
    private static int TransactionSetOption(nint transaction, int option, byte* value, int length)
    {
        Control.Seen($"transaction {option} {Shown(value, length)}");
        Of(transaction)?.SetOption(option, Number(value, length));
        return 0;
    }

    [UnmanagedCallersOnly(EntryPoint = "fdb_transaction_set_read_version", CallConvs = [typeof(CallConvCdecl)])]
    private static void TransactionSetReadVersion(nint transaction, long version) =>
        Control.Seen($"read version {version}");

    [UnmanagedCallersOnly(EntryPoint = "fdb_transaction_get_read_version", CallConvs = [typeof(CallConvCdecl)])]
    private static nint TransactionGetReadVersion(nint transaction) => Of(transaction)?.GetReadVersion() ?? Failed();

    [UnmanagedCallersOnly(EntryPoint = "fdb_transaction_get", CallConvs = [typeof(CallConvCdecl)])]
    private static nint TransactionGet(nint transaction, byte* key, int length, int snapshot) =>
        Of(transaction)?.Get(Bytes(key, length), snapshot != 0) ?? Failed();

    [UnmanagedCallersOnly(EntryPoint = "fdb_transaction_get_key", CallConvs = [typeof(CallConvCdecl)])]
    private static nint TransactionGetKey(
        nint transaction, byte* key, int length, int orEqual, int offset, int snapshot) =>
        Of(transaction)?.GetKey(new(Bytes(key, length), orEqual != 0, offset), snapshot != 0) ?? Failed();

    [UnmanagedCallersOnly(EntryPoint = "fdb_transaction_get_range", CallConvs = [typeof(CallConvCdecl)])]
    private static nint TransactionGetRange(
        nint transaction, byte* begin, int beginLength, int beginOrEqual, int beginOffset, byte* end, int endLength,
        int endOrEqual, int endOffset, int limit, int targetBytes, int mode, int iteration, int snapshot, int reverse)
    {
        if (!RangeLimits.TryMake(limit, targetBytes, mode, iteration, out var limits, out var error))
            return Failed(error);
        return Of(transaction)?.GetRange(
            new(Bytes(begin, beginLength), beginOrEqual != 0, beginOffset),
            new(Bytes(end, endLength), endOrEqual != 0, endOffset),
            limits,
            snapshot != 0,
            reverse != 0) ?? Failed();
    }

    [UnmanagedCallersOnly(
        EntryPoint = "fdb_transaction_get_estimated_range_size_bytes", CallConvs = [typeof(CallConvCdecl)])]
    private static nint TransactionEstimatedSize(
        nint transaction, byte* begin, int beginLength, byte* end, int endLength) =>
        Of(transaction)?.EstimatedSize(Bytes(begin, beginLength), Bytes(end, endLength)) ?? Failed();

    [UnmanagedCallersOnly(EntryPoint = "fdb_transaction_get_range_split_points", CallConvs = [typeof(CallConvCdecl)])]
    private static nint TransactionSplitPoints(
        nint transaction, byte* begin, int beginLength, byte* end, int endLength, long chunkSize) =>
        Of(transaction)?.SplitPoints(Bytes(begin, beginLength), Bytes(end, endLength), chunkSize) ?? Failed();

    [UnmanagedCallersOnly(EntryPoint = "fdb_transaction_set", CallConvs = [typeof(CallConvCdecl)])]
    private static void TransactionSet(nint transaction, byte* key, int keyLength, byte* value, int valueLength) =>
        Of(transaction)?.Set(Bytes(key, keyLength), Bytes(value, valueLength));

    [UnmanagedCallersOnly(EntryPoint = "fdb_transaction_atomic_op", CallConvs = [typeof(CallConvCdecl)])]
    private static void TransactionAtomicOp(
        nint transaction, byte* key, int keyLength, byte* operand, int operandLength, int mutation) =>
        Of(transaction)?.Mutate(mutation, Bytes(key, keyLength), Bytes(operand, operandLength));

    [UnmanagedCallersOnly(EntryPoint = "fdb_transaction_clear", CallConvs = [typeof(CallConvCdecl)])]
    private static void TransactionClear(nint transaction, byte* key, int length) =>
        Of(transaction)?.Clear(Bytes(key, length));

    [UnmanagedCallersOnly(EntryPoint = "fdb_transaction_clear_range", CallConvs = [typeof(CallConvCdecl)])]
    private static void TransactionClearRange(
        nint transaction, byte* begin, int beginLength, byte* end, int endLength) =>
        Of(transaction)?.ClearRange(Bytes(begin, beginLength), Bytes(end, endLength));

    [UnmanagedCallersOnly(EntryPoint = "fdb_transaction_add_conflict_range", CallConvs = [typeof(CallConvCdecl)])]
    private static int TransactionAddConflictRange(
        nint transaction, byte* begin, int beginLength, byte* end, int endLength, int kind) =>
        Of(transaction)?.AddConflictRange(Bytes(begin, beginLength), Bytes(end, endLength), kind == 1)
        ?? Errors.ClientInvalidOperation;

    [UnmanagedCallersOnly(EntryPoint = "fdb_transaction_watch", CallConvs = [typeof(CallConvCdecl)])]
    private static nint TransactionWatch(nint transaction, byte* key, int length) =>
        Of(transaction)?.Watch(Bytes(key, length)) ?? Failed();

    [UnmanagedCallersOnly(EntryPoint = "fdb_transaction_commit", CallConvs = [typeof(CallConvCdecl)])]
    private static nint TransactionCommit(nint transaction) => Of(transaction)?.Commit() ?? Failed();

    [UnmanagedCallersOnly(EntryPoint = "fdb_transaction_get_committed_version", CallConvs = [typeof(CallConvCdecl)])]
    private static int TransactionGetCommittedVersion(nint transaction, long* version)
    {
        if (Of(transaction) is not { IsCommitted: true } found) return Errors.ClientInvalidOperation;
        *version = found.CommittedVersion;
        return 0;
    }

    [UnmanagedCallersOnly(EntryPoint = "fdb_transaction_get_approximate_size", CallConvs = [typeof(CallConvCdecl)])]
    private static nint TransactionGetApproximateSize(nint transaction) =>
        Of(transaction)?.GetApproximateSize() ?? Failed();

    [UnmanagedCallersOnly(EntryPoint = "fdb_transaction_get_versionstamp", CallConvs = [typeof(CallConvCdecl)])]
    private static nint TransactionGetVersionstamp(nint transaction) => Of(transaction)?.GetVersionstamp() ?? Failed();

    [UnmanagedCallersOnly(EntryPoint = "fdb_transaction_on_error", CallConvs = [typeof(CallConvCdecl)])]
    private static nint TransactionOnError(nint transaction, int error) => Of(transaction)?.OnError(error) ?? Failed();

    private static Transaction? Of(nint transaction, [CallerMemberName] string call = "") =>
        Handles.Get<Transaction>(transaction, call);

    private static int Ready(nint handle, out Future future)
    {
        future = Handles.Get<Future>(handle, "fdb_future_get")!;
        if (future is null) return Errors.ClientInvalidOperation;
        if (future.IsReady) return future.Error;
        Handles.Violate("a future is asked before it is ready");
        return Errors.FutureNotSet;
    }

    private static nint Failed(int error = Errors.ClientInvalidOperation)
    {
        var future = new Future(null);
        future.Complete(error);
        return future.Handle;
    }

    private static byte[] Bytes(byte* bytes, int length) => new ReadOnlySpan<byte>(bytes, length).ToArray();

    private static long Number(byte* value, int length) =>
        length == 8 ? BinaryPrimitives.ReadInt64LittleEndian(new(value, length)) : 0;

    private static string Shown(byte* value, int length) =>
        length == 8 ? $"{Number(value, length)}" : Encoding.UTF8.GetString(new ReadOnlySpan<byte>(value, length));

    private static int Int(bool value) => value ? 1 : 0;
}
