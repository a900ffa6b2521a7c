using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Client.Files;
using ThreeFs.Contracts.Meta;
using ThreeFs.Sim.Checks.Files;
using ThreeFs.Sim.Nodes;
using ThreeFs.Sim.World;

namespace ThreeFs.Sim.Workloads;

/// <summary>Operations on one open file, each noted and judged.</summary>
internal sealed class HandleCalls
{
    private const int MaxLength = 4 * (int)SimCluster.FileChunkSize;

    private readonly ClientNode _client;
    private readonly FileRecords _records;
    private readonly OpenFile _file;
    private readonly FileHistory _history;
    private readonly bool _canWrite;
    private readonly long _openedAt;

    public HandleCalls(ClientNode client, FileRecords records, OpenFile file, long opened)
    {
        (_client, _records, _file) = (client, records, file);
        _history = records.Of(file.Inode);
        _canWrite = (file.Flags & OpenFlags.Write) != 0;
        _openedAt = records.Now;
        var (since, handles) = _history.Openers.GetValueOrDefault(client.Name, (opened, 0));
        _history.Openers[client.Name] = (since, handles + 1);
        records.Note(client.Name, Inode, $"opened it for {file.Flags}");
    }

    public InodeId Inode => _file.Inode;

    public bool IsClosed { get; private set; }

    /// <summary>When this client opened the file first.</summary>
    private long Opened => _history.Openers[_client.Name].Since;

    /// <summary>
    /// Who only reads has no session: the file lives until the delay after the removal of its last name is over. Unless it is removed
    /// through the client that has it open.
    /// </summary>
    private bool MayBeGone => !_canWrite && _history.Removals.Any(r => r.Who != _client.Name || r.Began <= _openedAt);

    public Task StepAsync(SeededRandom random)
    {
        var draw = random.NextDouble();
        if (draw < 0.35 || (!_canWrite && draw < 0.75)) return ReadAsync(random.Next(MaxLength), random.Next(1, 3 * (int)SimCluster.FileChunkSize / 2));
        if (draw < 0.75) return WriteAsync(random);
        if (draw < 0.82) return _canWrite ? CutAsync(random.Next(MaxLength)) : CheckLengthAsync();
        if (draw < 0.90) return SyncAsync();
        return draw < 0.95 ? CheckLengthAsync() : CloseAsync();
    }

    public async Task ReadAsync(int offset, int length)
    {
        using var lease = _client.Memory.TryRent(length)!;
        var began = _records.Now;
        var result = await _file.ReadAsync(offset, lease.Memory.Slice(0, length));
        if (MayBeGone && result.Code is StatusCode.Ok or StatusCode.NotFound) return;
        if (!result.TryGet(out var got)) throw Failed("a read", result.Status);
        if (got > 0) _history.CheckRead(_client.Name, offset, lease.Memory.Span[..got], began, _records.Now);
        _history.CheckEnd(_client.Name, offset, length, got, began, _records.Now, Opened);
    }

    public Task WriteAsync(SeededRandom random)
    {
        var length = random.NextBool(0.1) ? random.Next(1, (int)SimCluster.FileChunkSize * 5 / 4) : random.Next(1, 6000);
        var offset = random.NextBool(0.3) ? Math.Min(_file.Length, MaxLength) : random.Next(MaxLength - length);
        return WriteAsync(offset, length);
    }

    private async Task WriteAsync(long offset, int length)
    {
        var write = _history.Begin(new FileEvent
        {
            Pattern = _records.NextPattern(), Who = _client.Name, Offset = offset, Length = length, Began = _records.Now,
        });
        using var lease = _client.Memory.TryRent(length)!;
        write.Fill(lease.Memory.Span[..length]);
        var result = await _file.WriteAsync(offset, lease.Memory.Slice(0, length));
        var found = result.TryGet(out var wrote);
        if ((found ? wrote < length : result.Code == StatusCode.NoSpace) && _records.Cluster.MayLackSpace) return;
        if (!found || wrote != length) throw Failed($"a write of {length} B at {offset}", result.Status);
        write.Ended = _records.Now;
    }

    private async Task CutAsync(long length)
    {
        var cut = _history.Begin(new FileEvent { Pattern = 0, Who = _client.Name, Offset = length, Began = _records.Now });
        var status = await _file.TruncateAsync(length);
        if (status.Code == StatusCode.NoSpace && _records.Cluster.MayLackSpace) return; // a chunk of zeros may be needed for the end
        if (!status.IsOk) throw Failed($"a cut to {length}", status);
        (cut.Ended, cut.Reported) = (_records.Now, _records.Now);
    }

    private async Task SyncAsync()
    {
        var (began, opened) = (_records.Now, Opened);
        var status = await _file.FSyncAsync();
        if (status.Code == StatusCode.NotFound && MayBeGone) return;
        if (!status.IsOk) throw Failed("fsync", status);
        _history.Reported(_client.Name, began, _records.Now);
        _history.Synced(_client.Name, opened, began);
        _records.NamesDurable = Math.Max(_records.NamesDurable, began);
    }

    private async Task CheckLengthAsync()
    {
        var began = _records.Now;
        var attr = await _client.Files.GetAttrAsync(UserInfo.Root, Inode);
        if (!attr.TryGet(out var found))
        {
            if (attr.Code == StatusCode.NotFound && MayBeGone) return;
            throw Failed("stat", attr.Status);
        }

        _history.CheckLength(_client.Name, found.Length, began, _records.Now, began);
    }

    public async Task CloseAsync()
    {
        if (IsClosed) return;
        IsClosed = true;
        var began = _records.Now;
        _records.Note(_client.Name, Inode, $"closes a handle for {_file.Flags}");
        var status = await _file.CloseAsync();
        _records.Note(_client.Name, Inode, $"closed it: {status.Code}");
        if (!status.IsOk) throw Failed("close", status);
        if (_canWrite) _history.Reported(_client.Name, began, _records.Now);
        var (since, handles) = _history.Openers[_client.Name];
        if (handles == 1) _history.Openers.Remove(_client.Name);
        else _history.Openers[_client.Name] = (since, handles - 1);
    }

    private SimFailure Failed(string what, Status status) => new($"{_client.Name}: {what} of inode {Inode} failed: {status}");
}
