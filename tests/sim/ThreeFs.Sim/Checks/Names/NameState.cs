using System.Collections.Immutable;
using System.Text;
using ThreeFs.Base;
using ThreeFs.Contracts.Meta;

namespace ThreeFs.Sim.Checks.Names;

/// <summary>
/// The names below one directory, as POSIX has them: what each operation answers and leaves. Inodes made by operations whose
/// answer nobody got have negative numbers until somebody sees them.
/// </summary>
internal sealed class NameState
{
    private readonly record struct Entry(long Inode, bool IsDirectory);

    private readonly long _root;
    private readonly ImmutableSortedDictionary<(long Parent, string Name), Entry> _entries;

    public NameState(InodeId root)
        : this((long)root.Value, ImmutableSortedDictionary<(long, string), Entry>.Empty)
    {
    }

    private NameState(long root, ImmutableSortedDictionary<(long Parent, string Name), Entry> entries) => (_root, _entries) = (root, entries);

    /// <summary>Equal states have equal keys.</summary>
    public string Key
    {
        get
        {
            var text = new StringBuilder();
            foreach (var ((parent, name), entry) in _entries)
                text.Append(parent).Append('/').Append(name).Append('=').Append(entry.Inode).Append(entry.IsDirectory ? "d " : " ");
            return text.ToString();
        }
    }

    /// <summary>The state after the operation; null when it would have been answered otherwise here.</summary>
    /// <param name="number">Which operation it is, for inodes nobody has seen.</param>
    public NameState? Apply(NameOp op, int number) => op.Kind switch
    {
        NameKind.Create => Create(op, number),
        NameKind.MakeDirectory => MakeDirectory(op, number),
        NameKind.Lookup => Find(op.Parent, op.Name) is { } found ? Answers(op, found.Inode) : Refuses(op, StatusCode.NotFound),
        NameKind.List => List(op),
        NameKind.Unlink => Unlink(op),
        NameKind.RemoveDirectory => RemoveDirectory(op),
        NameKind.Rename => Rename(op),
        _ => Link(op),
    };

    private Entry? Find(InodeId parent, string name) =>
        IsLive((long)parent.Value) && _entries.TryGetValue(((long)parent.Value, name), out var entry) ? entry : null;

    private bool IsLive(long directory) => directory == _root || _entries.Any(e => e.Value.Inode == directory && e.Value.IsDirectory);

    private bool IsEmpty(long directory) => !_entries.Any(e => e.Key.Parent == directory);

    private NameState? Refuses(NameOp op, StatusCode code) => !op.IsKnown || op.Code == code ? this : null;

    /// <summary>The operation succeeded and named this inode.</summary>
    private NameState? Answers(NameOp op, long inode)
    {
        if (!op.IsKnown) return this;
        return op.Code == StatusCode.Ok ? Unify(inode, (long)op.Inode.Value) : null;
    }

    /// <summary>The inode expected turns out to be this one.</summary>
    private NameState? Unify(long expected, long seen)
    {
        if (expected == seen) return this;
        if (expected > 0 || _entries.Any(e => e.Value.Inode == seen)) return null;
        var entries = _entries;
        foreach (var (key, entry) in _entries)
            if (entry.Inode == expected) entries = entries.SetItem(key, entry with { Inode = seen });
        return new NameState(_root, entries);
    }

    private NameState With(InodeId parent, string name, Entry entry) => new(_root, _entries.SetItem(((long)parent.Value, name), entry));

    private NameState Without(InodeId parent, string name) => new(_root, _entries.Remove(((long)parent.Value, name)));

    private NameState? Create(NameOp op, int number)
    {
        if (!IsLive((long)op.Parent.Value)) return Refuses(op, StatusCode.NotFound);
        if (Find(op.Parent, op.Name) is { } found)
        {
            if (op.IsExclusive) return Refuses(op, StatusCode.AlreadyExists);
            if (found.IsDirectory) return Refuses(op, StatusCode.IsDirectory);
            return op.IsKnown && op.Created ? null : Answers(op, found.Inode);
        }

        return op.IsKnown && !op.Created ? null : Make(op, number, isDirectory: false);
    }

    private NameState? MakeDirectory(NameOp op, int number)
    {
        if (!IsLive((long)op.Parent.Value)) return Refuses(op, StatusCode.NotFound);
        return Find(op.Parent, op.Name) is null ? Make(op, number, isDirectory: true) : Refuses(op, StatusCode.AlreadyExists);
    }

    private NameState? Make(NameOp op, int number, bool isDirectory)
    {
        if (op.IsKnown && op.Code != StatusCode.Ok) return null;
        var inode = op.IsKnown ? (long)op.Inode.Value : -1 - number;
        return _entries.Any(e => e.Value.Inode == inode) ? null : With(op.Parent, op.Name, new Entry(inode, isDirectory));
    }

    private NameState? List(NameOp op)
    {
        if (!IsLive((long)op.Parent.Value)) return Refuses(op, StatusCode.NotFound);
        if (op.Code != StatusCode.Ok) return null;
        var here = _entries.Where(e => e.Key.Parent == (long)op.Parent.Value).ToArray();
        if (here.Length != op.Listing.Length) return null;
        var state = this;
        foreach (var (name, inode) in op.Listing)
        {
            if (Find(op.Parent, name) is not { } entry) return null;
            state = state.Unify(entry.Inode, (long)inode.Value);
            if (state is null) return null;
        }

        return state;
    }

    private NameState? Unlink(NameOp op)
    {
        if (Find(op.Parent, op.Name) is not { } found) return Refuses(op, StatusCode.NotFound);
        if (found.IsDirectory) return Refuses(op, StatusCode.IsDirectory);
        return Answers(op, found.Inode)?.Without(op.Parent, op.Name);
    }

    private NameState? RemoveDirectory(NameOp op)
    {
        if (Find(op.Parent, op.Name) is not { } found) return Refuses(op, StatusCode.NotFound);
        if (!found.IsDirectory) return Refuses(op, StatusCode.NotDirectory);
        if (!IsEmpty(found.Inode)) return Refuses(op, StatusCode.NotEmpty);
        return Answers(op, found.Inode)?.Without(op.Parent, op.Name);
    }

    private NameState? Link(NameOp op)
    {
        if (!IsLive((long)op.Parent.Value)) return Refuses(op, StatusCode.NotFound);
        var isFree = Find(op.Parent, op.Name) is null;

        // Without a name it may still be open, or gone.
        if (!_entries.Any(e => e.Value.Inode == (long)op.Target.Value))
            return !isFree && op.Code == StatusCode.AlreadyExists ? this : Refuses(op, StatusCode.NotFound);
        if (!isFree) return Refuses(op, StatusCode.AlreadyExists);
        return Answers(op, (long)op.Target.Value)?.With(op.Parent, op.Name, new Entry((long)op.Target.Value, false));
    }

    private NameState? Rename(NameOp op)
    {
        if (Find(op.Parent, op.Name) is not { } source || !IsLive((long)op.NewParent.Value)) return Refuses(op, StatusCode.NotFound);
        var target = Find(op.NewParent, op.NewName);
        var exchanges = (op.Flags & RenameFlags.Exchange) != 0;
        if (target is not null && (op.Flags & RenameFlags.NoReplace) != 0) return Refuses(op, StatusCode.AlreadyExists);
        if (target is null && exchanges) return Refuses(op, StatusCode.NotFound);
        if (target == source) return op.Replaced.Value == 0 ? Answers(op, source.Inode) : null;
        if (target is { } other && !exchanges && source.IsDirectory != other.IsDirectory)
            return Refuses(op, source.IsDirectory ? StatusCode.NotDirectory : StatusCode.IsDirectory);
        if (op.Parent != op.NewParent && (MakesRing(source, op.NewParent) || (exchanges && MakesRing(target!.Value, op.Parent))))
            return Refuses(op, StatusCode.InvalidArgument);
        if (target is { IsDirectory: true } directory && !exchanges && !IsEmpty(directory.Inode)) return Refuses(op, StatusCode.NotEmpty);
        var state = Answers(op, source.Inode);
        if (state is not null && op.IsKnown && !exchanges) state = state.Replaces(op, target);
        return state?.Move(op, exchanges);
    }

    private NameState? Replaces(NameOp op, Entry? target) =>
        target is not { } entry ? op.Replaced.Value == 0 ? this : null : Unify(entry.Inode, (long)op.Replaced.Value);

    private NameState Move(NameOp op, bool exchanges)
    {
        var source = Find(op.Parent, op.Name)!.Value;
        var target = Find(op.NewParent, op.NewName);
        var moved = Without(op.Parent, op.Name).With(op.NewParent, op.NewName, source);
        return exchanges ? moved.With(op.Parent, op.Name, target!.Value) : moved;
    }

    private bool MakesRing(Entry moved, InodeId place)
    {
        if (!moved.IsDirectory) return false;
        for (var at = (long)place.Value; at != _root;)
        {
            if (at == moved.Inode) return true;
            var above = _entries.Where(e => e.Value.Inode == at && e.Value.IsDirectory).Select(e => e.Key.Parent).ToArray();
            if (above.Length == 0) return false;
            at = above[0];
        }

        return false;
    }
}
