using System.Runtime.CompilerServices;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Base.Tasks;
using ThreeFs.Contracts.Meta;

namespace ThreeFs.Client.Files;

/// <summary>
/// One open file description. Reads and writes go to the shared <see cref="FileContent"/>; closing reports length and
/// times and ends the session. Thread-safe; close once, after the last operation.
/// </summary>
/// <remarks>
/// Appends of all handles of all clients follow each other: the metadata service reserves the place of each. One that
/// fails after that leaves a hole of zeros.
/// </remarks>
public sealed class OpenFile
{
    private readonly FileSystemClient _files;
    private readonly OpenInode _inode;
    private readonly SessionId? _session;
    private int _closed;

    internal OpenFile(FileSystemClient files, OpenInode inode, UserInfo user, OpenFlags flags, SessionId? session)
    {
        _files = files;
        _inode = inode;
        _session = session;
        User = user;
        Flags = flags;
    }

    public InodeId Inode => _inode.Content.Inode;

    public FileContent Content => _inode.Content;

    public OpenFlags Flags { get; }

    /// <summary>Who opened the file: what is reported about it is reported in this name.</summary>
    public UserInfo User { get; }

    /// <summary>The file's end as far as this client knows, its own writes included.</summary>
    public long Length => Content.Length;

    /// <summary>Reads from <paramref name="offset"/>; 0 bytes at the end of the file. Holes are zeros.</summary>
    public ValueTask<Result<int>> ReadAsync(long offset, IoSlices destination, CancellationToken ct = default)
    {
        if ((Flags & OpenFlags.Read) == 0)
            return new(new Status(StatusCode.InvalidArgument, $"inode {Inode} is not open for reading"));
        return offset + destination.TotalLength > Length && _files.IsOld(_inode)
            ? ReadAtOldEndAsync(offset, destination, ct)
            : Content.ReadAsync(offset, destination, ct);
    }

    /// <summary>Writes at <paramref name="offset"/>, or at the end when the file is open for appending.</summary>
    public ValueTask<Result<int>> WriteAsync(long offset, IoSlices source, CancellationToken ct = default)
    {
        if ((Flags & OpenFlags.Write) == 0)
            return new(new Status(StatusCode.InvalidArgument, $"inode {Inode} is not open for writing"));
        return (Flags & OpenFlags.Append) != 0 ? AppendAsync(source, ct) : Content.WriteAsync(offset, source, ct);
    }

    /// <summary>Writes at the end of the file.</summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    public async ValueTask<Result<int>> AppendAsync(IoSlices source, CancellationToken ct = default)
    {
        if (!await Content.Appending.EnterAsync(ct)) return new Status(StatusCode.Cancelled);
        try
        {
            if (source.TotalLength == 0) return 0;

            // What was written here at other places is told first: the end that is reserved behind includes it.
            var told = await _files.Reporter.ReportAsync(_inode, User, durable: false, exact: false, ct);
            if (!told.IsOk) return told;
            var reserved = await _files.Meta.AppendAsync(_files.Context(User), Inode, source.TotalLength, ct);
            if (!reserved.TryGet(out var attr)) return reserved.Status;
            Content.Learn(attr);
            return await Content.WriteAsync(attr.Length - source.TotalLength, source, ct);
        }
        finally
        {
            Content.Appending.Release();
        }
    }

    /// <summary>Sets the length. Writes under way are finished first, later ones wait.</summary>
    public async ValueTask<Status> TruncateAsync(long length, CancellationToken ct = default)
    {
        if ((Flags & OpenFlags.Write) == 0)
            return new Status(StatusCode.InvalidArgument, $"inode {Inode} is not open for writing");
        return (await _files.SetAttrAsync(User, Inode, new AttrChange(SetAttrMask.Length) { Length = length },
            ct)).Status;
    }

    /// <summary>
    /// Everything written to the file before, its length and (unless <paramref name="dataOnly"/> and nothing of it
    /// matters for reading) its attributes are on stable storage.
    /// </summary>
    public async ValueTask<Status> FSyncAsync(bool dataOnly = false, CancellationToken ct = default)
    {
        var status = await Content.FlushAsync(ct);
        if (!status.IsOk) return status;
        var state = Content.State;
        return dataOnly && !state.IsDirty && !state.IsReportedWithoutFlush
            ? Status.Ok
            : await _files.Reporter.ReportAsync(_inode, User, durable: true, exact: false, ct);
    }

    /// <summary>What close(2) of one descriptor does: length and times are visible to everybody afterwards.</summary>
    public ValueTask<Status> ReportAsync(CancellationToken ct = default) =>
        _files.Reporter.ReportAsync(_inode, User, durable: false, exact: false, ct);

    /// <summary>
    /// Ends the use of this handle. On failure the handle is closed all the same; its session is ended later, and only
    /// what could not be reported may be seen late by others.
    /// </summary>
    public ValueTask<Status> CloseAsync(CancellationToken ct = default) =>
        Interlocked.Exchange(ref _closed, 1) != 0
            ? new(new Status(StatusCode.StaleHandle, $"inode {Inode}: the handle is closed already"))
            : _files.CloseAsync(_inode, User, _session, ct);

    private async ValueTask<Result<int>> ReadAtOldEndAsync(long offset, IoSlices destination, CancellationToken ct)
    {
        var fresh = await _files.GetAttrAsync(User, Inode, ct);
        return fresh.IsOk ? await Content.ReadAsync(offset, destination, ct) : fresh.Status;
    }
}
