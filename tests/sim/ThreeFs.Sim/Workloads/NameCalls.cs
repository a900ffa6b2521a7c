using ThreeFs.Base;
using ThreeFs.Client.Files;
using ThreeFs.Contracts.Meta;
using ThreeFs.Sim.Checks.Files;
using ThreeFs.Sim.Checks.Names;
using ThreeFs.Sim.Nodes;
using ThreeFs.Sim.World;

namespace ThreeFs.Sim.Workloads;

/// <summary>Operations on names, each noted with its answer.</summary>
internal sealed class NameCalls(ClientNode client, FileRecords records, NameHistory names)
{
    private const uint Mode = 0b110_110_110;

    private FileSystemClient Files => client.Files;

    /// <summary>Creates a file or opens the one that is there; null when that was refused.</summary>
    public async Task<HandleCalls?> CreateAsync(InodeId parent, string name, bool isExclusive)
    {
        var op = names.Begin(new NameOp
        {
            Kind = NameKind.Create, Who = client.Name, Parent = parent, Name = name, IsExclusive = isExclusive, Began = records.Now,
        });
        var flags = OpenFlags.Read | OpenFlags.Write | (isExclusive ? OpenFlags.Exclusive : OpenFlags.None);
        var made = await Files.CreateAsync(UserInfo.Root, parent, FileName.FromText(name), new NewInode(InodeType.File, Mode), flags);
        if (made.TryGet(out var file)) (op.Inode, op.Created) = (file.Attr.Id, file.Created);
        End(op, made.Status);
        if (file is null) return null;
        records.Of(op.Inode).CheckLength(client.Name, file.Attr.Length, op.Began, records.Now, op.Began);
        return new HandleCalls(client, records, file.File, op.Began);
    }

    /// <summary>Finds a file and opens it, as open(2) without O_CREAT; null when it is not there, or not any more.</summary>
    public async Task<HandleCalls?> OpenAsync(InodeId parent, string name, bool readsOnly, bool cuts)
    {
        if (await LookupAsync(parent, name) is not { Type: InodeType.File } found) return null;
        var began = records.Now;
        var flags = readsOnly ? OpenFlags.Read : OpenFlags.Read | OpenFlags.Write | (cuts ? OpenFlags.Truncate : OpenFlags.None);
        var file = records.Of(found.Id);
        var cut = (flags & OpenFlags.Truncate) == 0
            ? null
            : file.Begin(new FileEvent { Pattern = 0, Who = client.Name, Offset = 0, Began = began });
        var opened = await Files.OpenAsync(UserInfo.Root, found.Id, flags);
        if (opened.TryGet(out var handle))
        {
            if (cut is not null) (cut.Ended, cut.Reported) = (records.Now, records.Now);
            return new HandleCalls(client, records, handle, began);
        }

        // It may have been removed since it was found, and even collected.
        if (opened.Code != StatusCode.NotFound || file.Removals.Count == 0)
            throw new SimFailure($"{client.Name}: inode {found.Id} cannot be opened: {opened.Status}");
        return null;
    }

    public async Task<InodeAttr?> LookupAsync(InodeId parent, string name)
    {
        var op = names.Begin(new NameOp { Kind = NameKind.Lookup, Who = client.Name, Parent = parent, Name = name, Began = records.Now });
        var found = await Files.Meta.LookupAsync(Files.Context(UserInfo.Root), parent, FileName.FromText(name), default);
        if (found.TryGet(out var attr)) op.Inode = attr.Id;
        End(op, found.Status);
        return attr;
    }

    public async Task ListAsync(InodeId parent)
    {
        var op = names.Begin(new NameOp { Kind = NameKind.List, Who = client.Name, Parent = parent, Began = records.Now });
        var page = await Files.Meta.ReadDirectoryAsync(Files.Context(UserInfo.Root), parent, null, 1000, withAttr: false, default);
        if (page.TryGet(out var found)) op.Listing = [.. found.Entries.Select(e => (e.Name.ToString(), e.Inode))];
        End(op, page.Status);
    }

    public async Task<InodeId?> MakeDirectoryAsync(InodeId parent, string name)
    {
        var op = names.Begin(new NameOp { Kind = NameKind.MakeDirectory, Who = client.Name, Parent = parent, Name = name, Began = records.Now });
        var made = await Files.Meta.MakeNodeAsync(
            Files.Context(UserInfo.Root), parent, FileName.FromText(name), new NewInode(InodeType.Directory, Mode | 0b001_001_001), default);
        if (made.TryGet(out var attr)) (op.Inode, op.Created) = (attr.Id, true);
        End(op, made.Status);
        return attr?.Id;
    }

    public async Task RemoveDirectoryAsync(InodeId parent, string name)
    {
        var op = names.Begin(new NameOp { Kind = NameKind.RemoveDirectory, Who = client.Name, Parent = parent, Name = name, Began = records.Now });
        var removed = await Files.Meta.RemoveDirectoryAsync(Files.Context(UserInfo.Root), parent, FileName.FromText(name), default);
        if (removed.TryGet(out var attr)) op.Inode = attr.Id;
        End(op, removed.Status);
    }

    public async Task UnlinkAsync(InodeId parent, string name)
    {
        var known = await LookupAsync(parent, name);
        var op = names.Begin(new NameOp { Kind = NameKind.Unlink, Who = client.Name, Parent = parent, Name = name, Began = records.Now });
        if (known is not null) records.Of(known.Id).Removals.Add((client.Name, op.Began));
        var removed = await Files.UnlinkAsync(UserInfo.Root, parent, FileName.FromText(name), known?.Id);
        if (removed.TryGet(out var attr)) op.Inode = attr.Id;
        if (attr is not null && attr.Id != known?.Id) records.Of(attr.Id).Removals.Add(("a name that had changed", op.Began));
        End(op, removed.Status);
    }

    public async Task RenameAsync(InodeId parent, string name, InodeId newParent, string newName, RenameFlags flags)
    {
        var known = await LookupAsync(newParent, newName);
        var op = names.Begin(new NameOp
        {
            Kind = NameKind.Rename, Who = client.Name, Parent = parent, Name = name, NewParent = newParent, NewName = newName, Flags = flags,
            Began = records.Now,
        });
        if (known is { Type: InodeType.File } && flags == RenameFlags.None) records.Of(known.Id).Removals.Add((client.Name, op.Began));
        var moved = await Files.RenameAsync(
            UserInfo.Root, parent, FileName.FromText(name), newParent, FileName.FromText(newName), flags,
            flags == RenameFlags.None ? known?.Id : null);
        if (moved.TryGet(out var result))
        {
            (op.Inode, op.Replaced) = (result.Moved.Id, result.Replaced?.Id ?? default);
            if (result.Replaced is { Type: InodeType.File } lost && lost.Id != known?.Id)
                records.Of(lost.Id).Removals.Add(("a name that had changed", op.Began));
        }

        End(op, moved.Status);
    }

    public async Task LinkAsync(InodeId inode, InodeId parent, string name)
    {
        var op = names.Begin(new NameOp
        {
            Kind = NameKind.Link, Who = client.Name, Parent = parent, Name = name, Target = inode, Began = records.Now,
        });
        var linked = await Files.Meta.LinkAsync(Files.Context(UserInfo.Root), inode, parent, FileName.FromText(name), default);
        if (linked.TryGet(out var attr)) op.Inode = attr.Id;
        End(op, linked.Status);
    }

    private void End(NameOp op, Status status)
    {
        records.Note(client.Name, op.Replaced.Value != 0 ? op.Replaced : op.Inode, $"{op}");
        (op.Code, op.Ended) = (status.Code, records.Now);
        if (status.Code is StatusCode.Ok or StatusCode.InvalidArgument or (>= StatusCode.NotFound and < StatusCode.ChunkNotFound)) return;
        throw new SimFailure($"{op}: {status}");
    }
}
