using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Meta.Posix;
using ThreeFs.Meta.Transactions;

namespace ThreeFs.Meta.Ops;

/// <summary>
/// The path walk: search permission on every directory passed, symlinks in the middle followed, the last one if asked or if
/// a "/" follows it. Bounded by path length and by the number of symlinks followed.
/// </summary>
internal sealed class Resolve(InodeId start, ReadOnlyMemory<byte> path, bool followLast) : IQuery<InodeAttr>
{
    private readonly Stack<ReadOnlyMemory<byte>> _rest = new();
    private int _followed;

    public async ValueTask<Result<InodeAttr>> RunAsync(MetaTransaction tx)
    {
        _rest.Clear();
        _followed = 0;
        if (path.IsEmpty) return new Status(StatusCode.NotFound, "a path is not empty");
        if (path.Length >= PosixLimits.MaxPath) return StatusCode.NameTooLong;
        var first = await tx.InodeAsync(IsAbsolute(path) ? InodeId.Root : start);
        if (!first.TryGet(out var here)) return first;
        _rest.Push(path);
        while (TryTake(out var name, out var isLast, out var mustBeDirectory))
        {
            var keepSymlink = isLast && !mustBeDirectory && !followLast;
            var step = await StepAsync(tx, here, name, keepSymlink, mustBeDirectory);
            if (!step.TryGet(out here)) return step;
            if (mustBeDirectory && here.Type != InodeType.Directory) return StatusCode.NotDirectory;
        }

        return await tx.CompleteAsync(here);
    }

    private async ValueTask<Result<InodeAttr>> StepAsync(
        MetaTransaction tx, InodeAttr here, FileName name, bool keepSymlink, bool mustBeDirectory)
    {
        if (here.Type != InodeType.Directory) return StatusCode.NotDirectory;
        var status = Permissions.Check(tx.User, here, AccessMode.Execute);
        if (!status.IsOk) return status;
        if (name.IsDot) return here;
        if (name.IsDotDot) return await tx.InodeAsync(here.Parent);
        status = Names.CheckLookup(name);
        if (!status.IsOk) return status;
        var dentry = await tx.DentryAsync(here.Id, name);
        if (!dentry.IsOk) return dentry.Status;
        if (dentry.Value is not { } entry) return StatusCode.NotFound;
        var inode = await tx.InodeAsync(entry.Inode);
        if (!inode.TryGet(out var record) || record.Type != InodeType.Symlink || keepSymlink) return inode;
        if (++_followed > PosixLimits.MaxSymlinksFollowed) return StatusCode.TooManySymlinks;

        // The slash behind the link counts for what it leads to.
        if (mustBeDirectory) _rest.Push("."u8.ToArray());
        _rest.Push(record.SymlinkTarget);
        return IsAbsolute(record.SymlinkTarget) ? await tx.InodeAsync(InodeId.Root) : here;
    }

    /// <summary>The next component of what is left to walk; the last symlink's target comes before the rest of the path.</summary>
    private bool TryTake(out FileName name, out bool isLast, out bool mustBeDirectory)
    {
        name = default;
        isLast = false;
        mustBeDirectory = false;
        while (_rest.TryPop(out var part))
        {
            part = part[SlashesAt(part.Span)..];
            if (part.IsEmpty) continue;
            var end = part.Span.IndexOf((byte)'/');
            name = new FileName(end < 0 ? part : part[..end]);
            var behind = end < 0 ? default : part[end..];
            var onlySlashes = SlashesAt(behind.Span) == behind.Length;
            if (!onlySlashes) _rest.Push(behind);
            isLast = onlySlashes && _rest.Count == 0;
            mustBeDirectory = onlySlashes && !behind.IsEmpty;
            return true;
        }

        return false;
    }

    private static int SlashesAt(ReadOnlySpan<byte> path)
    {
        var count = path.IndexOfAnyExcept((byte)'/');
        return count < 0 ? path.Length : count;
    }

    private static bool IsAbsolute(ReadOnlyMemory<byte> path) => !path.IsEmpty && path.Span[0] == (byte)'/';
}
