using System.Runtime.CompilerServices;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Base.Tasks;
using ThreeFs.Client.Files;
using ThreeFs.Contracts.Storage;
using ThreeFs.Transport;

namespace ThreeFs.Client.Storage;

/// <summary>
/// Reads from a server of this host without bytes passing through it: the server tells where they lie and keeps them
/// there, the device reads straight into the caller's memory, and the checksum is verified here. So no server,
/// stopped at whatever moment, can write into memory that is in use for something else. Whatever does not fit becomes
/// an ordinary read.
/// </summary>
internal sealed class LocalReader(RetryPolicy retry, StorageClientCounters counters)
{
    private const int Alignment = BufferPool.Alignment;

    private readonly BoundedPool<Note> _notes = new(1024);

    /// <summary>Whether asking for the place makes sense.</summary>
    public static bool Fits(IConnection connection, in ReadOp op, in IoSlices destination)
    {
        if (op.Length < ContentLocation.MinLength || connection.LocalFiles is null) return false;
        if (((op.Offset | op.Length) & (Alignment - 1)) != 0) return false;
        for (var i = 0; i < destination.Count; i++)
        {
            if (((destination[i].Address | destination[i].Length) & (Alignment - 1)) != 0) return false;
        }

        return true;
    }

    /// <summary>
    /// The result; null when the bytes have to be read in the ordinary way. The server may bring them although it was
    /// asked for their place.
    /// </summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    public async ValueTask<ReadResult?> ReadAsync(
        IConnection connection, ReadOp op, ReadFlags flags, IoSlices destination, TimeSpan timeout, CancellationToken ct)
    {
        var asked = retry.Now;
        using var answer = await StorageWire.Read(connection, op, flags | ReadFlags.MayLocate, destination, timeout, ct);
        if (!answer.IsOk || !ContentLocation.TryRead(answer.Header, out var location))
            return StorageWire.ReadAnswer(answer, 0, 0, op.Length, destination);
        var result = StorageCodec.ReadReadResult(answer.Header);
        if (result.Code != StatusCode.Ok || result.Length == 0 || result.Length > op.Length || connection.LocalFiles is not { } files)
        {
            Release(connection, location.Hold);
            return null;
        }

        var whole = (int)((result.Length + Alignment - 1) & ~(uint)(Alignment - 1));
        var hold = location.Hold;
        using var window = SliceWindow.Of(destination, 0, whole);
        var reading = files.ReadAsync(
            new LocalFile(location.Path, location.Device, location.Inode), location.Offset, window.Slices);
        var read = await reading;
        var isInTime = retry.Elapsed(asked) < ContentLocation.HoldTime && !connection.IsBroken;
        Release(connection, hold);
        if (!isInTime || !read.TryGet(out var bytes) || bytes < result.Length
            || StorageWire.Checksum(destination, result.Length) != result.Crc)
        {
            counters.CountLocalFailure();
            return null;
        }

        counters.CountLocal(result.Length);
        return result;
    }

    /// <summary>Nobody waits for the answer.</summary>
    private void Release(IConnection connection, ulong hold)
    {
        Span<byte> header = stackalloc byte[ContentLocation.ReleaseSize];
        ContentLocation.WriteRelease(header, hold);
        (_notes.TryTake() ?? new Note(_notes)).Follow(connection.CallAsync(
            new Call { Method = (ushort)StorageMethod.ReleaseContent, Header = header, Timeout = ContentLocation.HoldTime }));
    }

    /// <summary>Takes the answer of a call in nobody's name.</summary>
    private sealed class Note
    {
        private readonly BoundedPool<Note> _home;
        private readonly Action _answered;
        private ValueTaskAwaiter<CallResult> _call;

        public Note(BoundedPool<Note> home)
        {
            _home = home;
            _answered = Answered;
        }

        public void Follow(ValueTask<CallResult> call)
        {
            _call = call.GetAwaiter();
            if (_call.IsCompleted) Answered();
            else _call.UnsafeOnCompleted(_answered);
        }

        private void Answered()
        {
            _call.GetResult().Dispose();
            _call = default;
            _home.TryAdd(this);
        }
    }
}
