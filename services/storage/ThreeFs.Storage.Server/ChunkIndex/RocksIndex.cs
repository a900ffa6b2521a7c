using ThreeFs.Base;
using ThreeFs.Storage.ChunkEngine.Index;

namespace ThreeFs.Storage.Server.ChunkIndex;

/// <summary>
/// The index in RocksDB. A batch goes to the log with one write(2) and to the memtable, on the caller's thread; nothing is
/// buffered in user space, so it survives the process at once. The blocking flush of the log runs on a thread of the index.
/// </summary>
/// <remarks>
/// Recovery stops at the first damaged record of the log ("point in time"), which gives the prefix that <see cref="IChunkIndex"/>
/// promises; there is one column family, so batches are never reordered. No compression: values are checksums and
/// user bytes that die young.
/// </remarks>
internal sealed unsafe class RocksIndex : IChunkIndex
{
    private const int NoCompression = 0;
    private const int WarnLevel = 2;
    private const int PointInTimeRecovery = 2;

    private readonly string _path;
    private readonly nint _db;
    private readonly nint _writeOptions;
    private readonly IndexSyncThread _sync;
    private bool _closed;

    private RocksIndex(string path, nint db, Action<Action<object?>, object?> post)
    {
        _path = path;
        _db = db;
        _writeOptions = RocksNative.WriteOptionsCreate();
        _sync = new IndexSyncThread(SyncNow, post);
    }

    /// <summary>Why the last operation failed, for the operator's log.</summary>
    public Status LastError { get; private set; }

    /// <summary>Opens the database in a directory. Blocks; meant for start-up.</summary>
    /// <param name="mayCreate">
    /// There may be none yet. Only for a new target: of a database that has lost one small file RocksDB would make an empty one, and delete what is left.
    /// </param>
    /// <param name="post">Runs work on the thread that owns the index.</param>
    public static Result<RocksIndex> Open(string path, bool mayCreate, Action<Action<object?>, object?> post)
    {
        if (!mayCreate && !File.Exists(Path.Combine(path, "CURRENT")))
        {
            return Directory.Exists(path) && Directory.EnumerateFileSystemEntries(path).Any()
                ? new Status(StatusCode.IoError, $"cannot open the chunk index {path}: its file CURRENT is missing")
                : new Status(StatusCode.NotFound, $"there is no chunk index in {path}");
        }

        var options = RocksNative.OptionsCreate();
        RocksNative.SetCreateIfMissing(options, mayCreate ? (byte)1 : (byte)0);
        RocksNative.SetWriteBufferSize(options, 64 << 20);
        RocksNative.SetMaxWriteBufferNumber(options, 4);
        RocksNative.SetMaxBackgroundJobs(options, 2);
        RocksNative.SetCompression(options, NoCompression);
        RocksNative.SetKeepLogFileNum(options, 2);
        RocksNative.SetInfoLogLevel(options, WarnLevel);
        RocksNative.SetMaxOpenFiles(options, 256);
        RocksNative.SetWalRecoveryMode(options, PointInTimeRecovery);
        RocksNative.SetManualWalFlush(options, 0);
        byte* error = null;
        var db = RocksNative.Open(options, path, &error);
        RocksNative.OptionsDestroy(options);
        return RocksNative.TakeError(error) is { } message
            ? new Status(StatusCode.IoError, $"cannot open the chunk index {path}: {message}")
            : new RocksIndex(path, db, post);
    }

    public StatusCode Write(IndexBatch batch)
    {
        Invariant.Check(!_closed, "the index is open");
        byte* error = null;
        fixed (byte* bytes = batch.Bytes)
        {
            var native = RocksNative.WriteBatchCreateFrom(bytes, (nuint)batch.Bytes.Length);
            RocksNative.Write(_db, _writeOptions, native, &error);
            RocksNative.WriteBatchDestroy(native);
        }

        return error is null ? StatusCode.Ok : Fail("write to", RocksNative.TakeError(error)!);
    }

    public ValueTask<StatusCode> SyncAsync() => _sync.RequestAsync();

    public Status Scan(ReadOnlySpan<byte> prefix, IndexVisitor visit)
    {
        var options = RocksNative.ReadOptionsCreate();
        var iterator = RocksNative.CreateIterator(_db, options);
        fixed (byte* start = prefix) RocksNative.IteratorSeek(iterator, start, (nuint)prefix.Length);
        for (; RocksNative.IteratorValid(iterator) != 0; RocksNative.IteratorNext(iterator))
        {
            nuint keyLength, valueLength;
            var key = RocksNative.IteratorKey(iterator, &keyLength);
            var value = RocksNative.IteratorValue(iterator, &valueLength);
            var keySpan = new ReadOnlySpan<byte>(key, (int)keyLength);
            if (!keySpan.StartsWith(prefix) || !visit(keySpan, new ReadOnlySpan<byte>(value, (int)valueLength))) break;
        }

        byte* error = null;
        RocksNative.IteratorGetError(iterator, &error);
        RocksNative.IteratorDestroy(iterator);
        RocksNative.ReadOptionsDestroy(options);
        return RocksNative.TakeError(error) is { } message
            ? new Status(StatusCode.IoError, $"cannot read the chunk index {_path}: {message}")
            : Status.Ok;
    }

    public ValueTask DisposeAsync()
    {
        if (_closed) return default;
        _closed = true;
        _sync.Dispose();
        RocksNative.WriteOptionsDestroy(_writeOptions);
        RocksNative.Close(_db);
        return default;
    }

    private StatusCode SyncNow()
    {
        byte* error = null;
        RocksNative.FlushWal(_db, 1, &error);
        return error is null ? StatusCode.Ok : Fail("flush", RocksNative.TakeError(error)!);
    }

    private StatusCode Fail(string what, string message)
    {
        var code = message.Contains("No space left", StringComparison.Ordinal) ? StatusCode.NoSpace : StatusCode.IoError;
        LastError = new Status(code, $"cannot {what} the chunk index {_path}: {message}");
        return code;
    }
}
