using ThreeFs.Base;
using ThreeFs.Kv.FoundationDb.Native;

namespace ThreeFs.Kv.FoundationDb.Binding;

/// <summary>
/// A future of the library that has completed, to be looked at by an <see cref="IFutureReader{T}"/>: its spans end with
/// the look. Ask for what the call answers, and only when <see cref="Error"/> is Success.
/// </summary>
internal readonly unsafe ref struct ReadyFuture(nint handle)
{
    /// <summary>Why there is no answer.</summary>
    public FdbError Error => Fdb.FutureGetError(handle);

    public long Int64
    {
        get
        {
            Check(Fdb.FutureGetInt64(handle, out var value));
            return value;
        }
    }

    public ulong UInt64
    {
        get
        {
            Check(Fdb.FutureGetUInt64(handle, out var value));
            return value;
        }
    }

    public ReadOnlySpan<byte> Key
    {
        get
        {
            Check(Fdb.FutureGetKey(handle, out var key, out var length));
            return new(key, length);
        }
    }

    /// <summary>False: there is no such key.</summary>
    public bool TryGetValue(out ReadOnlySpan<byte> value)
    {
        Check(Fdb.FutureGetValue(handle, out var present, out var bytes, out var length));
        value = present != 0 ? new(bytes, length) : default;
        return present != 0;
    }

    /// <param name="more">Rows may be left in the range.</param>
    public ReadOnlySpan<FdbKeyValue> GetRows(out bool more)
    {
        Check(Fdb.FutureGetKeyValueArray(handle, out var rows, out var count, out var hasMore));
        more = hasMore != 0;
        return new(rows, count);
    }

    public ReadOnlySpan<FdbKey> Keys
    {
        get
        {
            Check(Fdb.FutureGetKeyArray(handle, out var keys, out var count));
            return new(keys, count);
        }
    }

    private static void Check(FdbError error) =>
        Invariant.Check(error is FdbError.Success, "a future is asked for what it holds");
}
