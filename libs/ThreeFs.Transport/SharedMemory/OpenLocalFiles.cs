using System.Runtime.CompilerServices;
using System.Text;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Base.Tasks;
using ThreeFs.Io;
using ThreeFs.Io.Files;

namespace ThreeFs.Transport.SharedMemory;

/// <summary>
/// The files of one connection's server that are open here, on its reactor. What was not read for a while is closed: an open file that was
/// removed keeps its space.
/// </summary>
internal sealed class OpenLocalFiles : ILocalFiles
{
    private static readonly TimeSpan _look = TimeSpan.FromSeconds(15);

    private readonly Dictionary<(ulong Device, ulong Inode), Entry> _files = [];
    private readonly Reactor _reactor;
    private readonly ITimer _timer;
    private bool _isClosed;

    public OpenLocalFiles(Reactor reactor)
    {
        _reactor = reactor;
        _timer = reactor.Time.CreateTimer(
            static state => ((OpenLocalFiles)state!).CloseIdle(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>The server's files are not to be seen here.</summary>
    public bool IsBlind { get; private set; }

    public ValueTask<Result<int>> ReadAsync(in LocalFile file, long offset, IoSlices destination)
    {
        if (!_reactor.IsCurrent || _isClosed || IsBlind) return new(new Status(StatusCode.NotSupported));
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
        IsBlind = true;
        return new Status(StatusCode.NotSupported, $"{path} is not the server's file here");
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<Result<int>> ReadAsync(Entry entry, long offset, IoSlices destination)
    {
        entry.Active++;
        entry.WasUsed = true;
        var result = await entry.File.ReadAsync(destination, offset);
        entry.Active--;
        if (_isClosed && entry.Active == 0) entry.File.Dispose();
        return result;
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

        public bool WasUsed { get; set; }
    }
}
