using ThreeFs.Base;
using ThreeFs.Contracts.Meta;

namespace ThreeFs.Meta.Tests.Model;

/// <summary>An inode of the model.</summary>
internal sealed class ModelNode
{
    public required InodeType Type { get; init; }
    public InodeId Id { get; set; }
    public uint Mode { get; set; }
    public uint Uid { get; set; }
    public uint Gid { get; set; }
    public int Names { get; set; } = 1;
    public long Length { get; set; }
    public ModelNode? Parent { get; set; }
    public SortedDictionary<string, ModelNode> Entries { get; } = new(StringComparer.Ordinal);

    public bool IsDirectory => Type == InodeType.Directory;
    public int Links => IsDirectory ? 2 + Entries.Values.Count(e => e.IsDirectory) : Names;
}

/// <summary>
/// POSIX name space semantics written down once more, as directly as possible and without regard to speed: what the service
/// is compared with. Every operation answers the code that Linux would give and changes the tree when it is Ok.
/// </summary>
internal sealed class PosixModel
{
    private const int R = 4, W = 2, X = 1;

    public ModelNode Root { get; } = new() { Type = InodeType.Directory, Id = InodeId.Root, Mode = 0x1FF };

    public PosixModel() => Root.Parent = Root;

    public List<ModelNode> Directories()
    {
        var all = new List<ModelNode> { Root };
        for (var i = 0; i < all.Count; i++) all.AddRange(all[i].Entries.Values.Where(e => e.IsDirectory));
        return all;
    }

    public StatusCode Make(UserInfo u, ModelNode dir, string name, InodeType type, uint mode, out ModelNode? made)
    {
        made = null;
        if (!May(u, dir, X)) return StatusCode.AccessDenied;
        if (dir.Entries.ContainsKey(name)) return StatusCode.AlreadyExists;
        if (!May(u, dir, W)) return StatusCode.AccessDenied;
        var inherits = (dir.Mode & 0x400) != 0;
        made = new ModelNode { Type = type, Uid = u.Uid, Gid = inherits ? dir.Gid : u.Gid, Mode = mode, Parent = dir };
        if (inherits && type == InodeType.Directory) made.Mode |= 0x400;
        if (type == InodeType.Symlink) made.Mode = 0x1FF;
        else if (type != InodeType.Directory && inherits && u.Uid != 0 && !u.InGroup(dir.Gid) && (mode & 0x408) == 0x408) made.Mode &= ~0x400u;
        dir.Entries.Add(name, made);
        return StatusCode.Ok;
    }

    public StatusCode Link(UserInfo u, ModelNode node, ModelNode dir, string name)
    {
        if (!May(u, dir, X)) return StatusCode.AccessDenied;
        if (dir.Entries.ContainsKey(name)) return StatusCode.AlreadyExists;
        if (!May(u, dir, W)) return StatusCode.AccessDenied;
        if (node.IsDirectory) return StatusCode.NotPermitted;
        node.Names++;
        dir.Entries.Add(name, node);
        return StatusCode.Ok;
    }

    public StatusCode Remove(UserInfo u, ModelNode dir, string name, bool directory)
    {
        if (!May(u, dir, X)) return StatusCode.AccessDenied;
        if (!dir.Entries.TryGetValue(name, out var node)) return StatusCode.NotFound;
        var code = MayRemove(u, dir, node);
        if (code != StatusCode.Ok) return code;
        if (directory && !node.IsDirectory) return StatusCode.NotDirectory;
        if (!directory && node.IsDirectory) return StatusCode.IsDirectory;
        if (node.Entries.Count != 0) return StatusCode.NotEmpty;
        node.Names--;
        dir.Entries.Remove(name);
        return StatusCode.Ok;
    }

    public StatusCode Rename(UserInfo u, ModelNode from, string name, ModelNode to, string newName, RenameFlags flags)
    {
        if (!May(u, from, X)) return StatusCode.AccessDenied;
        if (!from.Entries.TryGetValue(name, out var source)) return StatusCode.NotFound;
        if (!May(u, to, X)) return StatusCode.AccessDenied;
        to.Entries.TryGetValue(newName, out var target);
        var exchange = flags == RenameFlags.Exchange;
        if (target is not null && flags == RenameFlags.NoReplace) return StatusCode.AlreadyExists;
        if (target is null && exchange) return StatusCode.NotFound;
        if (target == source) return StatusCode.Ok;
        var code = MayRemove(u, from, source);
        if (code == StatusCode.Ok) code = target is not null ? MayRemove(u, to, target) : May(u, to, W | X) ? code : StatusCode.AccessDenied;
        if (code != StatusCode.Ok) return code;
        if (target is not null && !exchange && source.IsDirectory != target.IsDirectory)
            return source.IsDirectory ? StatusCode.NotDirectory : StatusCode.IsDirectory;
        if (from != to && source.IsDirectory && !May(u, source, W)) return StatusCode.AccessDenied;
        if (from != to && exchange && target!.IsDirectory && !May(u, target, W)) return StatusCode.AccessDenied;
        if (source.IsDirectory && IsBelow(to, source)) return StatusCode.InvalidArgument;
        if (exchange && target!.IsDirectory && IsBelow(from, target)) return StatusCode.InvalidArgument;
        if (target is not null && !exchange && target.Entries.Count != 0) return StatusCode.NotEmpty;
        from.Entries.Remove(name);
        if (target is not null && !exchange) target.Names--;
        to.Entries[newName] = source;
        source.Parent = to;
        if (exchange)
        {
            from.Entries[name] = target!;
            target!.Parent = from;
        }

        return StatusCode.Ok;
    }

    public StatusCode Chmod(UserInfo u, ModelNode node, uint mode)
    {
        if (u.Uid != 0 && u.Uid != node.Uid) return StatusCode.NotPermitted;
        node.Mode = u.Uid == 0 || u.InGroup(node.Gid) ? mode : mode & ~0x400u;
        return StatusCode.Ok;
    }

    public StatusCode Chown(UserInfo u, ModelNode node, uint uid, uint gid)
    {
        if (u.Uid != 0 && (u.Uid != node.Uid || uid != node.Uid)) return StatusCode.NotPermitted;
        if (u.Uid != 0 && gid != node.Gid && !u.InGroup(gid)) return StatusCode.NotPermitted;
        (node.Uid, node.Gid) = (uid, gid);
        if (!node.IsDirectory) node.Mode &= (node.Mode & 8) != 0 ? ~0xC00u : ~0x800u;
        return StatusCode.Ok;
    }

    public StatusCode Truncate(UserInfo u, ModelNode node, long length)
    {
        if (node.IsDirectory) return StatusCode.IsDirectory;
        if (node.Type != InodeType.File) return StatusCode.InvalidArgument;
        if (!May(u, node, W)) return StatusCode.AccessDenied;
        node.Length = length;
        if (u.Uid != 0) node.Mode &= (node.Mode & 8) != 0 ? ~0xC00u : ~0x800u;
        return StatusCode.Ok;
    }

    public StatusCode Read(UserInfo u, ModelNode dir) => May(u, dir, R) ? StatusCode.Ok : StatusCode.AccessDenied;

    private static StatusCode MayRemove(UserInfo u, ModelNode dir, ModelNode node)
    {
        if (!May(u, dir, W | X)) return StatusCode.AccessDenied;
        var sticky = (dir.Mode & 0x200) != 0 && u.Uid != 0 && u.Uid != dir.Uid && u.Uid != node.Uid;
        return sticky ? StatusCode.NotPermitted : StatusCode.Ok;
    }

    private static bool May(UserInfo u, ModelNode node, int want)
    {
        if (u.Uid == 0) return true;
        var bits = u.Uid == node.Uid ? node.Mode >> 6 : u.InGroup(node.Gid) ? node.Mode >> 3 : node.Mode;
        return (bits & want) == want;
    }

    private static bool IsBelow(ModelNode place, ModelNode directory)
    {
        for (var at = place; ; at = at.Parent!)
        {
            if (at == directory) return true;
            if (at.Parent == at) return false;
        }
    }
}
