using System.Runtime.CompilerServices;
using System.Text;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Base.Tasks;
using ThreeFs.Io;
using ThreeFs.Io.Files;

namespace ThreeFs.Transport.SharedMemory;

/// <summary>
/// The files of one connection's server that are open here, on its reactor. What was not read for a while is closed:
/// an open file that was removed keeps its space.
/// </summary>
/// <remarks>
/// A read that the device has begun cannot be given up, for its memory would be written to later. So nothing is read
/// here while a file answers nothing: the server reads instead, and its clients can go on without it.
/// </remarks>
internal sealed class OpenLocalFiles : ILocalFiles
{
    private static readonly TimeSpan _look = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan _watch = TimeSpan.FromMilliseconds(100);

    /// <summary>A file with reads under way of which none ended for so long is stuck.</summary>
    private static readonly TimeSpan _stuckAfter = TimeSpan.FromMilliseconds(300);

    private readonly Dictionary<(ulong Device, ulong Inode), Entry> _files = [];
    private readonly Reactor _reactor;
    private readonly SharedPort _port;
    private readonly ITimer _timer;
    private readonly ITimer _watcher;
    private int _active;
    private bool _isWatching;
    private bool _isBlind;
    private bool _isStuck;
    private bool _isClosed;

    public OpenLocalFiles(Reactor reactor, SharedPort port)
    {
        _reactor = reactor;
        _port = port;
        _timer = reactor.Time.CreateTimer(
            static state => ((OpenLocalFiles)state!).CloseIdle(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _watcher = reactor.Time.CreateTimer(
            static state => ((OpenLocalFiles)state!).Watch(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>False when the server's files are not to be seen here, or one of them does not answer now. Any thread.</summary>
    public bool IsUsable => !Volatile.Read(ref _isBlind) && !Volatile.Read(ref _isStuck);

    public bool IsCurrent => _reactor.IsCurrent;

    public bool Post(Action<object?> work, object? state) => _reactor.Post(work, state);

    public ulong WordAt(long offset) => _port.WordAt(offset);

    public bool IsServerAlive() => _port.IsPeerAlive();

    public ValueTask<Result<int>> ReadAsync(in LocalFile file, long offset, IoSlices destination)
    {
        if (!_reactor.IsCurrent || _isClosed || !IsUsable) return new(new Status(StatusCode.NotSupported));
        if (!_files.TryGetValue((file.Device, file.Inode), out var entry))
        {
            var opened = Open(file);
            if (!opened.TryGet(out entry)) return new(opened.Status);
        }

        return ReadAsync(entry, offset, destination);
    }

    private Result<Entry> Open(in LocalFile file)
    {
        var path = Encoding.UTF8.GetString(file.Path);
        var opened = DirectFile.Open(_reactor, path, DirectFileMode.OpenRead);
        if (opened.TryGet(out var direct))
        {
            if (direct.GetIdentity() is { IsOk: true } found && found.Value == (file.Device, file.Inode))
            {
                if (_files.Count == 0) _timer.Change(_look, _look);
                var entry = new Entry(direct);
                _files.Add((file.Device, file.Inode), entry);
                return entry;
            }

            direct.Dispose();
        }

        // Another mount namespace, or too little permission: asking again would cost every read.
        _isBlind = true;
        return new Status(StatusCode.NotSupported, $"{path} is not the server's file here");
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<Result<int>> ReadAsync(Entry entry, long offset, IoSlices destination)
    {
        if (entry.Active++ == 0) entry.Progress = _reactor.Time.GetTimestamp();
        _active++;
        entry.WasUsed = true;
        if (!_isWatching)
        {
            _isWatching = true;
            _watcher.Change(_watch, Timeout.InfiniteTimeSpan);
        }

        var result = await entry.File.ReadAsync(destination, offset);
        entry.Progress = _reactor.Time.GetTimestamp();
        entry.Active--;
        _active--;
        if (_isClosed && entry.Active == 0) entry.File.Dispose();
        return result;
    }

    private void Watch()
    {
        var isStuck = false;
        foreach (var entry in _files.Values)
            isStuck |= entry.Active > 0 && _reactor.Time.GetElapsedTime(entry.Progress) > _stuckAfter;
        Volatile.Write(ref _isStuck, isStuck);
        _isWatching = _active > 0;
        if (_isWatching && !_isClosed) _watcher.Change(_watch, Timeout.InfiniteTimeSpan);
    }

    private void CloseIdle()
    {
        foreach (var (key, entry) in _files)
        {
            if (entry.Active == 0 && !entry.WasUsed)
            {
                entry.File.Dispose();
                _files.Remove(key);
            }

            entry.WasUsed = false;
        }

        if (_files.Count == 0) _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>The connection is over; reads under way close their files.</summary>
    public void Close()
    {
        _isClosed = true;
        _timer.Dispose();
        _watcher.Dispose();
        foreach (var entry in _files.Values)
        {
            if (entry.Active == 0) entry.File.Dispose();
        }

        _files.Clear();
    }

    private sealed class Entry(DirectFile file)
    {
        public DirectFile File { get; } = file;

        public int Active { get; set; }

        /// <summary>When a read ended here last, or began after none was under way.</summary>
        public long Progress { get; set; }

        public bool WasUsed { get; set; }
    }
}
