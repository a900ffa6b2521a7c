using System.Runtime.InteropServices;
using ThreeFs.Kv;

namespace ThreeFs.FdbStandIn;

/// <summary>
/// A future: completes once, calls back once, on the network's thread or where the callback is set. What it holds lies
/// in memory of its own, which is overwritten when it is destroyed: who looks later sees it.
/// </summary>
internal sealed unsafe class Future
{
    private readonly Lock _lock = new();
    private readonly Transaction? _transaction;
    private readonly List<(nint Memory, int Length)> _memory = [];
    private delegate* unmanaged[Cdecl]<nint, nint, void> _callback;
    private nint _callbackState;
    private bool _hasCallback;
    private bool _called;
    private bool _ready;
    private bool _destroyed;

    public Future(Transaction? transaction)
    {
        _transaction = transaction;
        Handle = Handles.Add(this);
    }

    public nint Handle { get; }
    public int Error { get; private set; }
    public long Number { get; private set; }
    public nint Bytes { get; private set; }
    public int Length { get; private set; }

    /// <summary>A value is there; more rows are there.</summary>
    public bool Flag { get; private set; }

    public bool IsReady
    {
        get
        {
            lock (_lock) return _ready;
        }
    }

    /// <summary>Gives the future its answer unless it has one; <paramref name="fill"/> puts it there.</summary>
    public void Complete(int error, Action<Future>? fill = null)
    {
        lock (_lock)
        {
            if (_ready || _destroyed) return;
            if (error == 0) fill?.Invoke(this);
            (_ready, Error) = (true, error);
            if (!_hasCallback) return;
            _called = true;
        }

        _transaction?.Forget(this);
        _callback(Handle, _callbackState);
    }

    public void SetCallback(delegate* unmanaged[Cdecl]<nint, nint, void> callback, nint state)
    {
        lock (_lock)
        {
            if (_hasCallback) Handles.Violate("fdb_future_set_callback twice");
            _callback = callback;
            (_callbackState, _hasCallback) = (state, true);
            if (!_ready) return;
            _called = true;
        }

        callback(Handle, state);
    }

    /// <summary>On the caller's thread or on the network's, as the real one does.</summary>
    public void Cancel()
    {
        if (Network.Flip()) Complete(Errors.OperationCancelled);
        else Network.Post(() => Complete(Errors.OperationCancelled), TimeSpan.Zero);
    }

    public void Destroy()
    {
        lock (_lock)
        {
            if (_hasCallback && !_called) Handles.Violate("fdb_future_destroy before the callback");
            _destroyed = true;
            foreach (var (memory, length) in _memory)
            {
                new Span<byte>((void*)memory, length).Fill(0xDD);
                NativeMemory.Free((void*)memory);
            }

            _memory.Clear();
        }

        _transaction?.Forget(this);
    }

    public void Fill(long number) => Number = number;

    public void FillBytes(ReadOnlySpan<byte> bytes, bool flag = true) =>
        (Bytes, Length, Flag) = (Copy(bytes), bytes.Length, flag);

    public void FillRows(IReadOnlyList<KvRow> rows, bool more)
    {
        // FDBKeyValue is packed to four bytes: address, length, address, length.
        var table = Reserve(rows.Count * 24);
        for (var i = 0; i < rows.Count; i++)
        {
            var row = (byte*)table + i * 24;
            *(nint*)row = Copy(rows[i].Key);
            *(int*)(row + 8) = rows[i].Key.Length;
            *(nint*)(row + 12) = Copy(rows[i].Value);
            *(int*)(row + 20) = rows[i].Value.Length;
        }

        (Bytes, Length, Flag) = (table, rows.Count, more);
    }

    public void FillKeys(IReadOnlyList<byte[]> keys)
    {
        var table = Reserve(keys.Count * 12);
        for (var i = 0; i < keys.Count; i++)
        {
            *(nint*)((byte*)table + i * 12) = Copy(keys[i]);
            *(int*)((byte*)table + i * 12 + 8) = keys[i].Length;
        }

        (Bytes, Length) = (table, keys.Count);
    }

    private nint Copy(ReadOnlySpan<byte> bytes)
    {
        var memory = Reserve(bytes.Length);
        bytes.CopyTo(new Span<byte>((void*)memory, bytes.Length));
        return memory;
    }

    private nint Reserve(int length)
    {
        var memory = (nint)NativeMemory.Alloc((nuint)Math.Max(1, length));
        _memory.Add((memory, length));
        return memory;
    }
}
