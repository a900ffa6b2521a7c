using System.Text;
using ThreeFs.Kv.FoundationDb.Native;

namespace ThreeFs.Kv.FoundationDb.Binding;

/// <summary>
/// A transaction of the library: every operation of fdb_c.h on it, with spans for keys and values, which are copied
/// before a call returns, and tasks for futures, each to be awaited once. Answers are FoundationDB's own codes.
/// <para>
/// May be disposed at any time, also while its futures are awaited: they end with transaction_cancelled, the commit
/// too, which may or may not be applied then. A call on a disposed one throws ObjectDisposedException.
/// </para>
/// </summary>
internal sealed unsafe class FdbTransaction(FdbTransactionHandle handle) : IDisposable
{
    /// <summary>After a successful commit; -1 when nothing was written.</summary>
    public FdbResult<long> CommittedVersion =>
        new(Fdb.TransactionGetCommittedVersion(handle, out var version), version);

    public FdbError SetOption(FdbTransactionOption option, long value) =>
        SetOption(option, BitConverter.GetBytes(value));

    public FdbError SetOption(FdbTransactionOption option, string value) =>
        SetOption(option, Encoding.UTF8.GetBytes(value));

    public FdbError SetOption(FdbTransactionOption option, ReadOnlySpan<byte> value = default)
    {
        fixed (byte* pointer = value) return Fdb.TransactionSetOption(handle, option, pointer, value.Length);
    }

    public void SetReadVersion(long version) => Fdb.TransactionSetReadVersion(handle, version);

    public ValueTask<FdbResult<long>> GetReadVersionAsync(CancellationToken ct = default) =>
        GetReadVersionAsync<FdbResult<long>, Int64Reader>(default, ct);

    public ValueTask<T> GetReadVersionAsync<T, TReader>(TReader reader, CancellationToken ct)
        where TReader : struct, IFutureReader<T> =>
        FdbFuture<T, TReader>.Await(Fdb.TransactionGetReadVersion(handle), reader, ct);

    public ValueTask<FdbResult<byte[]?>> GetAsync(
        ReadOnlySpan<byte> key, bool snapshot = false, CancellationToken ct = default) =>
        GetAsync<FdbResult<byte[]?>, ValueReader>(key, snapshot, default, ct);

    public ValueTask<T> GetAsync<T, TReader>(
        ReadOnlySpan<byte> key, bool snapshot, TReader reader, CancellationToken ct)
        where TReader : struct, IFutureReader<T>
    {
        fixed (byte* pointer = key)
            return FdbFuture<T, TReader>.Await(
                Fdb.TransactionGet(handle, pointer, key.Length, Bool(snapshot)), reader, ct);
    }

    /// <summary>The key that the selector leads to: empty before the first, 0xFF behind the last.</summary>
    public ValueTask<FdbResult<byte[]>> GetKeyAsync(
        KeySelector selector, bool snapshot = false, CancellationToken ct = default)
    {
        fixed (byte* pointer = selector.Key)
            return FdbFuture<FdbResult<byte[]>, KeyReader>.Await(
                Fdb.TransactionGetKey(
                    handle, pointer, selector.Key.Length, Bool(selector.OrEqual), selector.Offset, Bool(snapshot)),
                default,
                ct);
    }

    public ValueTask<FdbResult<FdbRows>> GetRangeAsync(
        KeySelector begin, KeySelector end, RangeRequest request, CancellationToken ct = default) =>
        GetRangeAsync<FdbResult<FdbRows>, RowsReader>(begin, end, request, default, ct);

    public ValueTask<T> GetRangeAsync<T, TReader>(
        KeySelector begin, KeySelector end, RangeRequest request, TReader reader, CancellationToken ct)
        where TReader : struct, IFutureReader<T>
    {
        fixed (byte* first = begin.Key)
        fixed (byte* last = end.Key)
            return FdbFuture<T, TReader>.Await(
                Fdb.TransactionGetRange(
                    handle,
                    first, begin.Key.Length, Bool(begin.OrEqual), begin.Offset,
                    last, end.Key.Length, Bool(end.OrEqual), end.Offset,
                    request.Limit,
                    request.TargetBytes,
                    request.Mode,
                    request.Iteration,
                    Bool(request.Snapshot),
                    Bool(request.Reverse)),
                reader,
                ct);
    }

    public ValueTask<FdbResult<long>> GetEstimatedRangeSizeAsync(
        ReadOnlySpan<byte> begin, ReadOnlySpan<byte> end, CancellationToken ct = default)
    {
        fixed (byte* first = begin)
        fixed (byte* last = end)
            return FdbFuture<FdbResult<long>, Int64Reader>.Await(
                Fdb.TransactionGetEstimatedRangeSizeBytes(handle, first, begin.Length, last, end.Length), default, ct);
    }

    /// <summary>
    /// Keys that cut the range into pieces of about <paramref name="chunkSize"/> bytes, its ends included.
    /// </summary>
    public ValueTask<FdbResult<byte[][]>> GetRangeSplitPointsAsync(
        ReadOnlySpan<byte> begin, ReadOnlySpan<byte> end, long chunkSize, CancellationToken ct = default)
    {
        fixed (byte* first = begin)
        fixed (byte* last = end)
            return FdbFuture<FdbResult<byte[][]>, KeysReader>.Await(
                Fdb.TransactionGetRangeSplitPoints(handle, first, begin.Length, last, end.Length, chunkSize),
                default,
                ct);
    }

    public void Set(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        fixed (byte* keyPointer = key)
        fixed (byte* valuePointer = value)
            Fdb.TransactionSet(handle, keyPointer, key.Length, valuePointer, value.Length);
    }

    public void Clear(ReadOnlySpan<byte> key)
    {
        fixed (byte* pointer = key) Fdb.TransactionClear(handle, pointer, key.Length);
    }

    public void ClearRange(ReadOnlySpan<byte> begin, ReadOnlySpan<byte> end)
    {
        fixed (byte* first = begin)
        fixed (byte* last = end)
            Fdb.TransactionClearRange(handle, first, begin.Length, last, end.Length);
    }

    /// <summary>
    /// For the versionstamped ones the key or value ends with the place of the stamp, 32 bits, little-endian.
    /// </summary>
    public void Mutate(FdbMutation mutation, ReadOnlySpan<byte> key, ReadOnlySpan<byte> operand)
    {
        fixed (byte* keyPointer = key)
        fixed (byte* operandPointer = operand)
            Fdb.TransactionAtomicOp(handle, keyPointer, key.Length, operandPointer, operand.Length, mutation);
    }

    public FdbError AddConflictRange(ReadOnlySpan<byte> begin, ReadOnlySpan<byte> end, FdbConflictRange kind)
    {
        fixed (byte* first = begin)
        fixed (byte* last = end)
            return Fdb.TransactionAddConflictRange(handle, first, begin.Length, last, end.Length, kind);
    }

    /// <summary>
    /// Completes when the value is another than this transaction saw, once the transaction has committed; outlives it.
    /// </summary>
    public ValueTask<FdbError> WatchAsync(ReadOnlySpan<byte> key, CancellationToken ct = default)
    {
        fixed (byte* pointer = key)
            return FdbFuture<FdbError, ErrorReader>.Await(
                Fdb.TransactionWatch(handle, pointer, key.Length), default, ct);
    }

    public ValueTask<FdbError> CommitAsync() =>
        FdbFuture<FdbError, ErrorReader>.Await(Fdb.TransactionCommit(handle), default, default);

    /// <summary>
    /// The ten bytes of the commit's stamp; asked for before the commit, answered after it. no_commit_version when
    /// nothing was written.
    /// </summary>
    public ValueTask<FdbResult<byte[]>> GetVersionstampAsync() =>
        FdbFuture<FdbResult<byte[]>, KeyReader>.Await(Fdb.TransactionGetVersionstamp(handle), default, default);

    /// <summary>About what a commit would send, in bytes.</summary>
    public ValueTask<FdbResult<long>> GetApproximateSizeAsync() =>
        FdbFuture<FdbResult<long>, Int64Reader>.Await(Fdb.TransactionGetApproximateSize(handle), default, default);

    /// <summary>
    /// After an error: waits and makes the transaction new when it may be tried again (Success), else answers the
    /// error.
    /// </summary>
    public ValueTask<FdbError> OnErrorAsync(FdbError error) =>
        FdbFuture<FdbError, ErrorReader>.Await(Fdb.TransactionOnError(handle, error), default, default);

    /// <summary>Makes it new at once.</summary>
    public void Reset() => Fdb.TransactionReset(handle);

    /// <summary>Ends what is under way with transaction_cancelled, and everything later, until it is reset.</summary>
    public void Cancel() => Fdb.TransactionCancel(handle);

    public void Dispose() => handle.Dispose();

    private static int Bool(bool value) => value ? 1 : 0;
}
