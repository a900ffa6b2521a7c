using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Meta.Posix;
using ThreeFs.Meta.Records;
using ThreeFs.Meta.Transactions;

namespace ThreeFs.Meta.Ops;

/// <summary>Storage was cut while the file had this truncate version.</summary>
internal readonly record struct Cut(TruncateVersion Under);

/// <summary>
/// Setting a file's length: first the chunks behind it cease to exist, then the record says so and raises the truncate version, which
/// tells reports of earlier writes from later ones. If another truncation came between, chunks and record could
/// disagree: the whole is repeated. A crash between the two leaves a file that reads as zeros where it was cut, and whoever
/// asked has not been told that it succeeded.
/// </summary>
internal sealed class FileCut(TransactionRunner runner, IFileChunks chunks)
{
    private const int MaxRounds = 16;

    /// <param name="check">Answers the file's record, or why the caller may not.</param>
    /// <param name="mutation">Makes the change, calling <see cref="ApplyAsync"/> with the cut that was made.</param>
    public async ValueTask<Result<Outcome>> RunAsync(
        MetaContext context, long length, IQuery<InodeAttr> check, Func<Cut?, IMutation> mutation, byte step, CancellationToken ct)
    {
        for (var round = 0; round < MaxRounds; round++)
        {
            var earlier = await runner.FindAsync(context, ct, step);
            if (!earlier.IsOk) return earlier.Status;
            if (earlier.Value is { } done) return done;
            var plan = await runner.ReadAsync(context, new Plan(check, length), ct);
            if (!plan.IsOk) return plan.Status;
            Cut? cut = null;
            if (plan.Value.AskStorage)
            {
                var file = plan.Value.File;
                var status = await chunks.TruncateAsync(file.Id, file.Layout!, length, ct);
                if (!status.IsOk) return status;
                cut = new Cut(file.TruncateVersion);
            }

            var result = await runner.WriteAsync(context, mutation(cut), ct, step);
            if (result.Code != StatusCode.MoreToDo) return result;
        }

        return new Status(StatusCode.Busy, "the file is being truncated by others all the time");
    }

    /// <summary>What may be refused about a length without asking anybody.</summary>
    public static Status Check(InodeAttr inode, long length)
    {
        if (inode.Type == InodeType.Directory) return StatusCode.IsDirectory;
        if (inode.Type != InodeType.File || length < 0) return new Status(StatusCode.InvalidArgument, "only files have a length to set");
        if (length > PosixLimits.MaxFileLength) return StatusCode.FileTooLarge;
        return (inode.Flags & InodeFlags.AppendOnly) != 0 ? new Status(StatusCode.NotPermitted, "the file is append-only") : Status.Ok;
    }

    /// <summary>The record with the new length, or MoreToDo when storage has to be cut (again) first.</summary>
    public static async ValueTask<Result<InodeAttr>> ApplyAsync(MetaTransaction tx, InodeAttr file, long length, Cut? cut)
    {
        var asks = await MustAskStorageAsync(tx, file, length);
        if (!asks.IsOk) return asks.Status;
        if (asks.Value && cut?.Under != file.TruncateVersion) return StatusCode.MoreToDo;
        var mode = tx.User.IsRoot ? file.Mode : Permissions.WithoutPrivileges(file.Mode);
        return file with
        {
            Length = length,
            Mode = mode,
            ModifyTime = tx.Now,
            ModifyTimeSetAt = default,
            ChangeTime = tx.Now,
            DataVersion = file.DataVersion + 1,
            TruncateVersion = asks.Value ? file.TruncateVersion.Next : file.TruncateVersion,
        };
    }

    /// <summary>Nothing is behind the new end when the record says so and nobody may have written since.</summary>
    private static async ValueTask<Result<bool>> MustAskStorageAsync(MetaTransaction tx, InodeAttr file, long length) =>
        file.Length > length ? true : await tx.HasSessionsAsync(file.Id);

    private readonly record struct Planned(InodeAttr File, bool AskStorage);

    private sealed class Plan(IQuery<InodeAttr> check, long length) : IQuery<Planned>
    {
        public async ValueTask<Result<Planned>> RunAsync(MetaTransaction tx)
        {
            var found = await check.RunAsync(tx);
            if (!found.TryGet(out var file)) return found.Status;
            var asks = await MustAskStorageAsync(tx, file, length);
            return asks.IsOk ? new Planned(file, asks.Value) : asks.Status;
        }
    }
}
