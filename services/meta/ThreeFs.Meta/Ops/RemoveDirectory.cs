using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Meta.Posix;
using ThreeFs.Meta.Transactions;

namespace ThreeFs.Meta.Ops;

/// <summary>
/// rmdir(2). Conflicts with whoever makes an entry inside at the same time. Outcome: the directory after its removal.
/// </summary>
internal sealed class RemoveDirectory(InodeId parent, FileName name) : IMutation
{
    public async ValueTask<Result<Outcome>> RunAsync(MetaTransaction tx)
    {
        if (name.IsDotDot) return StatusCode.NotEmpty;
        var found = await EntryLookup.FindExistingAsync(tx, parent, name);
        if (!found.IsOk) return found.Status;
        var (directory, victim) = (found.Value.Parent, found.Value.Inode!);
        var status = Permissions.CheckRemoveFrom(tx.User, directory, victim);
        if (!status.IsOk) return status;
        if (victim.Type != InodeType.Directory) return StatusCode.NotDirectory;
        status = await NameRemoval.CheckEmptyAsync(tx, victim.Id);
        if (!status.IsOk) return status;
        tx.RemoveDentry(parent, name);
        tx.EntryChanged(parent, subdirectoriesGained: -1);
        return new Outcome(NameRemoval.DropDirectory(tx, victim));
    }
}
