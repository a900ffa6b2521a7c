using System.Runtime.InteropServices;
using System.Threading.Tasks.Sources;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Base.Tasks;
using ThreeFs.Io.Linux;
using ThreeFs.Io.Ring;
using Tmds.Linux;

namespace ThreeFs.Io.Files;

/// <summary>
/// One operation on a file, pooled. Short transfers are continued and interrupted ones repeated, so a write is whole or
/// has failed, and a read is short only at the end of the file.
/// </summary>
internal sealed unsafe class FileOperation : RingOperation, IValueTaskSource<Result<int>>, IValueTaskSource<Status>
{
    private const int MostRetries = 1000;
    private static readonly BoundedPool<FileOperation> _pool = new(4096);

    private ManualResetValueTaskSourceCore<Result<int>> _core;
    private iovec[] _vector = [];
    private DirectFile _file = null!;
    private UringOp _code;
    private IoSlices _slices;
    private long _offset;
    private long _length;
    private int _mode;
    private long _done;
    private int _retries;

    public static FileOperation Transfer(DirectFile file, UringOp code, in IoSlices slices, long offset)
    {
        var operation = Rent(file, code, offset, slices.TotalLength);
        operation._slices = slices;
        return operation;
    }

    public static FileOperation Control(DirectFile file, UringOp code, int mode, long offset, long length)
    {
        var operation = Rent(file, code, offset, length);
        operation._mode = mode;
        return operation;
    }

    private static FileOperation Rent(DirectFile file, UringOp code, long offset, long length)
    {
        var operation = _pool.TryTake() ?? new FileOperation();
        operation._file = file;
        operation._code = code;
        operation._offset = offset;
        operation._length = length;
        operation._done = 0;
        operation._retries = 0;
        return operation;
    }

    public ValueTask<Result<int>> CountTask => new(this, _core.Version);

    public ValueTask<Status> StatusTask => new(this, _core.Version);

    public override void Prepare(ref Sqe sqe)
    {
        sqe.Fd = _file.Handle;
        sqe.Opcode = _code;
        switch (_code)
        {
            case UringOp.Fsync:
                sqe.OpFlags = Uring.FsyncDataSync;
                break;
            case UringOp.Fallocate:
                sqe.Offset = (ulong)_offset;
                sqe.Address = (ulong)_length;
                sqe.Length = (uint)_mode;
                break;
            default:
                PrepareTransfer(ref sqe);
                break;
        }
    }

    private void PrepareTransfer(ref Sqe sqe)
    {
        sqe.Offset = (ulong)(_offset + _done);
        if (_slices.Count == 1)
        {
            var rest = _slices[0].Slice((int)_done);
            sqe.Address = (ulong)rest.Address;
            sqe.Length = (uint)rest.Length;
            return;
        }

        sqe.Opcode = _code == UringOp.Read ? UringOp.Readv : UringOp.Writev;
        if (_vector.Length < _slices.Count) _vector = GC.AllocateUninitializedArray<iovec>(_slices.Count, pinned: true);
        var count = 0;
        var skip = _done;
        for (var i = 0; i < _slices.Count; i++)
        {
            var piece = _slices[i];
            if (skip >= piece.Length)
            {
                skip -= piece.Length;
                continue;
            }

            _vector[count].iov_base = (void*)(piece.Address + (nint)skip);
            _vector[count++].iov_len = piece.Length - (int)skip;
            skip = 0;
        }

        sqe.Address = (ulong)Marshal.UnsafeAddrOfPinnedArrayElement(_vector, 0);
        sqe.Length = (uint)count;
    }

    public override void Complete(int result, uint flags)
    {
        if (result is -Errno.EINTR or -Errno.EAGAIN && _retries++ < MostRetries)
        {
            _file.Reactor.Start(this);
            return;
        }

        if (result < 0)
        {
            Finish(Fail(-result));
            return;
        }

        if (_code is UringOp.Fsync or UringOp.Fallocate)
        {
            Finish(0);
            return;
        }

        _done += result;
        var isEnd = result == 0 || _done % BufferPool.Alignment != 0;
        if (_done < _length && !isEnd) _file.Reactor.Start(this);
        else if (_done < _length && _code == UringOp.Write) Finish(Fail(Errno.EIO));
        else Finish((int)_done);
    }

    public void StartPosted() => _file.Reactor.Start(this);

    /// <summary>Completes what never reached the kernel.</summary>
    public void Abandon() => Finish(Fail(Errno.ECANCELED));

    private Status Fail(int errno) => Errno.ToStatus(errno, $"{_code} of {_length} bytes at {_offset} in {_file.Path}");

    private void Finish(Result<int> result)
    {
        _file.Leave();
        _file = null!;
        _slices = default;
        _core.SetResult(result);
    }

    ValueTaskSourceStatus IValueTaskSource<Status>.GetStatus(short token) => _core.GetStatus(token);
    ValueTaskSourceStatus IValueTaskSource<Result<int>>.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource<Status>.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);

    void IValueTaskSource<Result<int>>.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);

    Status IValueTaskSource<Status>.GetResult(short token) => Take(token).Status;

    Result<int> IValueTaskSource<Result<int>>.GetResult(short token) => Take(token);

    private Result<int> Take(short token)
    {
        var result = _core.GetResult(token);
        _core.Reset();
        _pool.TryAdd(this);
        return result;
    }
}
