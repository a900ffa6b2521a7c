using ThreeFs.Kv.FoundationDb.Native;

namespace ThreeFs.Kv.FoundationDb.Binding;

/// <summary>
/// Makes a completed future into what its caller wants, straight from the library's memory. A struct, so that each kind
/// of future is one type without calls through an interface. Runs on the thread of who awaits.
/// </summary>
internal interface IFutureReader<T>
{
    T Read(ReadyFuture future);
}

/// <summary>An answer of the library: a code, and the value when the code is Success.</summary>
internal readonly record struct FdbResult<T>(FdbError Error, T Value)
{
    public bool IsOk => Error is FdbError.Success;
}

/// <summary>Rows of one answer; <see cref="More"/>: there may be others.</summary>
internal readonly record struct FdbRows(KvRow[] Rows, bool More);

/// <summary>Whether it went well, of commit, on_error and watch.</summary>
internal readonly struct ErrorReader : IFutureReader<FdbError>
{
    public FdbError Read(ReadyFuture future) => future.Error;
}

internal readonly struct Int64Reader : IFutureReader<FdbResult<long>>
{
    public FdbResult<long> Read(ReadyFuture future) =>
        future.Error is var error and not FdbError.Success ? new(error, 0) : new(FdbError.Success, future.Int64);
}

internal readonly struct UInt64Reader : IFutureReader<FdbResult<ulong>>
{
    public FdbResult<ulong> Read(ReadyFuture future) =>
        future.Error is var error and not FdbError.Success ? new(error, 0) : new(FdbError.Success, future.UInt64);
}

/// <summary>A copy of a key or a versionstamp.</summary>
internal readonly struct KeyReader : IFutureReader<FdbResult<byte[]>>
{
    public FdbResult<byte[]> Read(ReadyFuture future) =>
        future.Error is var error and not FdbError.Success
            ? new(error, [])
            : new(FdbError.Success, future.Key.ToArray());
}

/// <summary>A copy of the value, null when there is none.</summary>
internal readonly struct ValueReader : IFutureReader<FdbResult<byte[]?>>
{
    public FdbResult<byte[]?> Read(ReadyFuture future)
    {
        if (future.Error is var error and not FdbError.Success) return new(error, null);
        return new(FdbError.Success, future.TryGetValue(out var value) ? value.ToArray() : null);
    }
}

internal readonly struct RowsReader : IFutureReader<FdbResult<FdbRows>>
{
    public FdbResult<FdbRows> Read(ReadyFuture future)
    {
        if (future.Error is var error and not FdbError.Success) return new(error, new([], false));
        var rows = future.GetRows(out var more);
        var copies = new KvRow[rows.Length];
        for (var i = 0; i < rows.Length; i++) copies[i] = new(rows[i].Key.ToArray(), rows[i].Value.ToArray());
        return new(FdbError.Success, new(copies, more));
    }
}

internal readonly struct KeysReader : IFutureReader<FdbResult<byte[][]>>
{
    public FdbResult<byte[][]> Read(ReadyFuture future)
    {
        if (future.Error is var error and not FdbError.Success) return new(error, []);
        var keys = future.Keys;
        var copies = new byte[keys.Length][];
        for (var i = 0; i < keys.Length; i++) copies[i] = keys[i].Span.ToArray();
        return new(FdbError.Success, copies);
    }
}
