using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using ThreeFs.Base;
using ThreeFs.Base.Tasks;
using ThreeFs.Contracts.Meta;
using ThreeFs.Fuse.Native;
using ThreeFs.Fuse.Protocol;

namespace ThreeFs.Fuse.Session;

/// <summary>
/// One mounted connection to the kernel. Worker threads read requests, each through a descriptor of its own, and start
/// their operations; whoever completes an operation writes its reply. Nothing else runs on the workers, so an
/// operation that waits holds up no other.
/// </summary>
/// <remarks>
/// It ends when the mount is gone: by <see cref="DisposeAsync"/> or by umount(8) from outside; <see
/// cref="Completion"/> tells. A file on the own mount is never touched: a worker that waits for itself cannot be woken.
/// </remarks>
internal sealed class FuseSession : IAsyncDisposable
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(5);

    private readonly FuseSessionOptions _options;
    private readonly FuseDispatcher _dispatcher;
    private readonly IFuseFileSystem _fs;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly BoundedPool<FuseRequest> _pool;
    private readonly SemaphoreSlim _slots;
    private readonly List<FuseChannel> _channels = [];
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly InterruptWatch _interrupts;
    private readonly DeadlineWatch _deadlines;
    private int _liveWorkers;
    private int _inFlight;

    private FuseSession(string mountPoint, IFuseFileSystem fs, FuseSessionOptions options, TimeProvider time,
        ILogger log)
    {
        MountPoint = mountPoint;
        _fs = fs;
        _dispatcher = new FuseDispatcher(fs);
        _options = options;
        _time = time;
        _log = log;
        _pool = new BoundedPool<FuseRequest>(options.PooledRequests);
        _slots = new SemaphoreSlim(options.MaxInFlight);
        _interrupts = new InterruptWatch(_channels, time);
        _deadlines = new DeadlineWatch(_channels, options.Deadline, time);
    }

    public string MountPoint { get; }

    /// <summary>What was agreed on with the kernel.</summary>
    public FuseInitFlags Features { get; private set; }

    public bool LongSetXattr => Features.HasFlag(FuseInitFlags.SetXattrExt);

    /// <summary>Requests without a reply.</summary>
    public int InFlight => Volatile.Read(ref _inFlight);

    /// <summary>Completes when the mount is gone and every worker has ended.</summary>
    public Task Completion => _completion.Task;

    /// <summary>Mounts and serves. The mount point is a directory that was checked before.</summary>
    public static Result<FuseSession> Start(
        string mountPoint, IFuseFileSystem fs, FuseSessionOptions options, TimeProvider time, ILogger log)
    {
        var opened = FuseDevice.Open();
        if (!opened.TryGet(out var fd)) return opened.Status;
        var session = new FuseSession(mountPoint, fs, options, time, log);
        var status = FuseDevice.Mount(fd, mountPoint, options);
        if (!status.IsOk)
        {
            LibC.Close(fd);
            return status;
        }

        status = session.Initialize(fd);
        if (status.IsOk) return session;
        LibC.Unmount(mountPoint, LibC.MNT_FORCE | LibC.MNT_DETACH);
        LibC.Close(fd);
        return status;
    }

    /// <summary>
    /// Unmounts: gently when nothing uses the mount, otherwise it is taken out of the tree and its users get errors.
    /// Does not wait without end for servers that are gone: what is left, the kernel ends with this process.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        if (_completion.Task.IsCompleted) return;
        var gentle = UnmountAsync(0);
        var isInTime = await Task.WhenAny(gentle, Task.Delay(_patience, _time)) == gentle;
        if (!isInTime || await gentle == Errno.EBUSY)
        {
            Log.UnmountForced(_log, MountPoint);
            foreach (var channel in _channels) channel.InterruptAll();
            await Task.WhenAny(UnmountAsync(LibC.MNT_FORCE | LibC.MNT_DETACH), Task.Delay(_patience, _time));
        }

        await Task.WhenAny(_completion.Task, Task.Delay(_patience, _time));
    }

    /// <summary>Not on the caller's thread: the kernel may ask the workers something meanwhile.</summary>
    private Task<Errno> UnmountAsync(int flags) =>
        Task.Run(() => LibC.Unmount(MountPoint, flags) == 0 ? Errno.Ok : LibC.LastError);

    private Status Initialize(int fd)
    {
        var first = new FuseRequest(this, _options.MaxWrite, _options.Memory) { Descriptor = fd };
        FuseHandshake shake;
        using (first)
        {
            var done = FuseHandshake.Perform(first, _options);
            if (!done.TryGet(out shake)) return done.Status;
            Features = shake.Features;
        }

        _channels.Add(new FuseChannel(fd));
        for (var i = 1; i < _options.Threads; i++)
        {
            var clone = FuseDevice.Clone(fd);
            if (!clone.TryGet(out var extra)) break;
            _channels.Add(new FuseChannel(extra));
        }

        _deadlines.Start();
        _liveWorkers = _channels.Count;
        Log.Mounted(_log, MountPoint, FuseConstants.Major, shake.Minor, Features, _channels.Count);
        foreach (var channel in _channels)
        {
            new Thread(() => Work(channel)) { IsBackground = true, Name = $"fuse-{channel.Descriptor}" }.Start();
        }

        return Status.Ok;
    }

    private void Work(FuseChannel channel)
    {
        while (true)
        {
            _slots.Wait();
            var request = _pool.TryTake() ?? new FuseRequest(this, _options.MaxWrite, _options.Memory);
            request.Descriptor = channel.Descriptor;
            var length = (int)LibC.Read(channel.Descriptor, request.ReceiveAddress, request.ReceiveCapacity);
            if (length < 0)
            {
                var error = LibC.LastError;
                Return(request);

                // ENOENT: the request was interrupted before it was taken.
                if (error is Errno.EINTR or Errno.EAGAIN or Errno.ENOENT) continue;
                if (error is not (Errno.ENODEV or Errno.ECONNABORTED)) Log.DeviceFailed(_log, error);
                break;
            }

            Serve(request, channel, length);
        }

        WorkerEnded();
    }

    private void Serve(FuseRequest request, FuseChannel channel, int length)
    {
        if (!request.Begin(length, _time.GetTimestamp()))
        {
            Log.BadMessage(_log, length);
            Return(request);
            return;
        }

        if (ServeWithoutReply(request)) return;
        Interlocked.Increment(ref _inFlight);
        Metrics.InFlight.Inc();
        channel.Add(request);
        _interrupts.Registered(request);
        ValueTask<Errno> operation;
        try
        {
            operation = _dispatcher.Start(request);
        }
        catch (Exception e)
        {
            operation = new(HandlerFailed(request, e));
        }

        // Completing it gives it to the pool.
        var (unique, watched) = (request.Unique, request.Opcode == FuseOpcode.Flush && !operation.IsCompleted);
        request.CompleteWith(operation);
        if (watched) _interrupts.Watch(unique);
    }

    private bool ServeWithoutReply(FuseRequest request)
    {
        try
        {
            switch (request.Opcode)
            {
                case FuseOpcode.Forget:
                    _fs.Forget(request.Node, request.Arguments<FuseForgetIn>().Count);
                    break;
                case FuseOpcode.BatchForget:
                    ForgetAll(request);
                    break;
                case FuseOpcode.Interrupt:
                    _interrupts.Interrupted(request.Arguments<FuseInterruptIn>().Unique);
                    break;
                default:
                    return false;
            }
        }
        catch (Exception e)
        {
            HandlerFailed(request, e);
        }

        Return(request);
        return true;
    }

    private unsafe void ForgetAll(FuseRequest request)
    {
        var count = request.Arguments<FuseBatchForgetIn>().Count;
        var rest = request.Body[sizeof(FuseBatchForgetIn)..];
        for (; count > 0 && rest.Length >= sizeof(FuseForgetOne); count--, rest = rest[sizeof(FuseForgetOne)..])
        {
            var one = System.Runtime.InteropServices.MemoryMarshal.Read<FuseForgetOne>(rest);
            _fs.Forget(one.Node, one.Count);
        }
    }

    /// <summary>
    /// The kernel forgets the attributes it remembers of the inode. Only for a change that an operation made beside
    /// what the kernel expects of it; waits for nothing.
    /// </summary>
    public void ForgetAttributes(ulong node) => NotifyChanged(node, offset: -1);

    /// <summary>
    /// The kernel forgets attributes and cached pages of the inode. It waits for pages that are locked for requests which
    /// have no reply yet, so this runs on a thread of its own, and only an operation that locks no page may wait for it.
    /// </summary>
    public Task ForgetContentAsync(ulong node)
    {
        // Counts as in flight: the descriptor stays open until it was told.
        Interlocked.Increment(ref _inFlight);
        return Task.Run(() =>
        {
            NotifyChanged(node, offset: 0);
            Interlocked.Decrement(ref _inFlight);
        });
    }

    /// <summary>
    /// The kernel forgets where a name leads, after a change that it did not make itself. It waits for the directory's
    /// lock, which whoever changes names there holds until he has his reply; so this runs on a thread of its own, and an
    /// operation whose caller holds a directory's lock itself must not wait for it without limit.
    /// </summary>
    public Task ForgetNameAsync(ulong parent, FileName name)
    {
        Interlocked.Increment(ref _inFlight);
        return Task.Factory.StartNew(
            () =>
            {
                NotifyName(parent, name);
                Interlocked.Decrement(ref _inFlight);
            },
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    private unsafe void NotifyName(ulong parent, FileName name)
    {
        var size = sizeof(FuseOutHeader) + sizeof(FuseNotifyInvalEntryOut) + name.Bytes.Length + 1;
        Span<byte> message = stackalloc byte[size];
        message[^1] = 0;
        var header = new FuseOutHeader { Length = (uint)size, Error = FuseConstants.NotifyInvalEntry };
        var body = new FuseNotifyInvalEntryOut { Parent = parent, NameLength = (uint)name.Bytes.Length };
        MemoryMarshal.Write(message, header);
        MemoryMarshal.Write(message[sizeof(FuseOutHeader)..], body);
        name.Span.CopyTo(message[(sizeof(FuseOutHeader) + sizeof(FuseNotifyInvalEntryOut))..]);

        // ENOENT: the kernel does not know the name (any more), so there is nothing to forget.
        fixed (byte* start = message) LibC.Write(_channels[0].Descriptor, (nint)start, size);
    }

    private unsafe void NotifyChanged(ulong node, long offset)
    {
        var message = stackalloc byte[sizeof(FuseOutHeader) + sizeof(FuseNotifyInvalInodeOut)];
        var size = sizeof(FuseOutHeader) + sizeof(FuseNotifyInvalInodeOut);
        *(FuseOutHeader*)message = new FuseOutHeader { Length = (uint)size, Error = FuseConstants.NotifyInvalInode };
        *(FuseNotifyInvalInodeOut*)(message + sizeof(FuseOutHeader)) = new FuseNotifyInvalInodeOut { Node = node,
            Offset = offset };

        // ENOENT: the kernel does not know the inode (any more), so there is nothing to forget.
        LibC.Write(_channels[0].Descriptor, (nint)message, size);
    }

    /// <summary>An exception of a handler: said once, answered with EIO.</summary>
    public Errno HandlerFailed(FuseRequest request, Exception error)
    {
        if (error is OperationCanceledException) return Errno.EINTR;
        Log.HandlerFailed(_log, error, request.Opcode, request.Node);
        return Errno.EIO;
    }

    public void ReplyFailed(FuseRequest request, Errno error) =>
        Log.ReplyFailed(_log, request.Opcode, request.Node, error);

    /// <summary>The request took longer than any may.</summary>
    public Errno Expired(FuseRequest request)
    {
        Log.Expired(_log, request.Opcode, request.Node, _options.Deadline.TotalSeconds);
        return Errno.EIO;
    }

    /// <summary>The request has its reply.</summary>
    public void Completed(FuseRequest request, Errno result, int length)
    {
        Interlocked.Decrement(ref _inFlight);
        Metrics.InFlight.Dec();
        Metrics.Answered(request.Opcode, result, _time.GetElapsedTime(request.Started));
        if (request.Opcode == FuseOpcode.Read) Metrics.ReadBytes.Inc(length);
        Return(request);
    }

    private void Return(FuseRequest request)
    {
        request.Reset();
        if (!_pool.TryAdd(request)) request.Dispose();
        _slots.Release();
    }

    private void WorkerEnded()
    {
        if (Interlocked.Decrement(ref _liveWorkers) != 0) return;
        _interrupts.Dispose();
        _deadlines.Dispose();
        foreach (var channel in _channels) channel.InterruptAll();
        Log.Unmounted(_log, MountPoint);
        _completion.TrySetResult();
        _ = CloseWhenQuietAsync();
    }

    /// <summary>
    /// Descriptors are closed when no operation can write to them any more: a number may be somebody else's by then.
    /// </summary>
    private async Task CloseWhenQuietAsync()
    {
        while (InFlight > 0) await Task.Delay(TimeSpan.FromMilliseconds(20), _time);
        foreach (var channel in _channels) LibC.Close(channel.Descriptor);
        while (_pool.TryTake() is { } request) request.Dispose();
    }
}
