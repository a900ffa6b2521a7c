using ThreeFs.Base;
using ThreeFs.Base.Tasks;
using ThreeFs.Contracts.Meta;
using ThreeFs.Meta.Posix;
using ThreeFs.Meta.Records;
using ThreeFs.Meta.Transactions;

namespace ThreeFs.Meta.Ops;

/// <summary>Storage was cut by the order that this record's truncate version is.</summary>
internal readonly record struct Cut(InodeAttr File, IFileChunks Chunks, CancellationToken Stop);

/// <summary>
/// Setting a file's length: first the chunks behind it cease to exist, then the record says so. The truncate version, which tells
/// reports of earlier writes from later ones, rises before and after. A crash between the two leaves a file that reads as zeros
/// where it was cut, and whoever asked has not been told that it succeeded.
/// </summary>
/// <remarks>
/// A round is: look whether another attempt of the request got through; raise the file's truncate version, which makes an order that no
/// other attempt or truncation has; cut storage by it, everything tried once; write the record if the order is still the file's
/// latest. Whatever fails begins a new round. What this guards against: a server is stopped in the middle, the client repeats the request
/// at another one, is answered and writes behind the new end, and then the first one goes on. Storage refuses its order, because it has
/// seen a later one; nothing is sent for an order that is old (<see cref="CutOrder.Life"/>), because a new head has not; and a new
/// round finds that the request was done. See docs/adr/0005-truncation-orders.md.
/// <para>
/// Another client may write behind the cut before the record says so: its bytes come after the truncation, so the end
/// that storage has counts. Reported later, the write is of an older truncate version, and storage is asked then.
/// Reported before, it has raised the data version, and storage is asked here, in the transaction: a report that comes
/// after the question conflicts with it.
/// </para>
/// </remarks>
internal sealed class FileCut(TransactionRunner runner, IFileChunks chunks, TimeProvider time, SeededRandom random, TimeSpan patience)
{
    private static readonly TimeSpan _firstPause = TimeSpan.FromMilliseconds(2);
    private static readonly TimeSpan _maxPause = TimeSpan.FromSeconds(1);

    /// <param name="check">Answers the file's record, or why the caller may not.</param>
    /// <param name="mutation">Makes the change, calling <see cref="ApplyAsync"/> with the cut that was made.</param>
    public async ValueTask<Result<Outcome>> RunAsync(
        MetaContext context, long length, IQuery<InodeAttr> check, Func<Cut?, IMutation> mutation, byte step, CancellationToken ct)
    {
        var started = time.GetTimestamp();
        for (var round = 0; ; round++)
        {
            var (result, mayRepeat) = await RunRoundAsync(context, length, check, mutation, step, ct);
            if (!mayRepeat) return result;
            if (time.GetElapsedTime(started) < patience && await time.PauseAsync(PauseAfter(round), ct)) continue;
            if (ct.IsCancellationRequested) return new Status(StatusCode.Cancelled, "setting the length was given up");
            return result.Code.IsRetryableStorage()
                ? result
                : new Status(StatusCode.Busy, "the file is being truncated by others all the time");
        }
    }

    private async ValueTask<(Result<Outcome> Result, bool MayRepeat)> RunRoundAsync(
        MetaContext context, long length, IQuery<InodeAttr> check, Func<Cut?, IMutation> mutation, byte step, CancellationToken ct)
    {
        var order = new CutOrder(time);
        var earlier = await runner.FindAsync(context, ct, step);
        if (!earlier.IsOk) return (earlier.Status, false);
        if (earlier.Value is { } done) return (done, false);
        var begun = await runner.MaintainAsync(context, tx => BeginAsync(tx, check, length), ct);
        if (!begun.IsOk) return (begun.Status, false);
        Cut? cut = null;
        if (begun.Value is { } file)
        {
            var status = await chunks.TruncateAsync(file.Id, file.Layout!, length, order with { Version = file.TruncateVersion }, ct);
            if (!status.IsOk) return (status, status.Code == StatusCode.CutOvertaken || status.Code.IsRetryableStorage());
            cut = new Cut(file, chunks, ct);
        }

        var result = await runner.WriteAsync(context, mutation(cut), ct, step);
        return (result, result.Code == StatusCode.MoreToDo);
    }

    /// <summary>The record with the order's version, or null when storage need not be asked.</summary>
    private static async ValueTask<Result<InodeAttr?>> BeginAsync(MetaTransaction tx, IQuery<InodeAttr> check, long length)
    {
        var found = await check.RunAsync(tx);
        if (!found.TryGet(out var file)) return found.Status;
        var asks = await MustAskStorageAsync(tx, file, length);
        if (!asks.IsOk) return asks.Status;
        if (!asks.Value) return (InodeAttr?)null;
        file = file with { TruncateVersion = file.TruncateVersion.Next };
        tx.PutInode(file);
        return file;
    }

    /// <summary>Two that overtake each other all the time part by chance.</summary>
    private TimeSpan PauseAfter(int round)
    {
        var pause = _firstPause * Math.Pow(2, Math.Min(round, 16));
        if (pause > _maxPause) pause = _maxPause;
        lock (random) return pause * random.NextDouble();
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
        if (asks.Value && cut?.File.TruncateVersion != file.TruncateVersion) return StatusCode.MoreToDo;
        if (asks.Value && cut!.Value.File.DataVersion != file.DataVersion)
        {
            var end = await cut.Value.Chunks.QueryLengthAsync(file.Id, file.Layout!, cut.Value.Stop);
            if (!end.IsOk) return end.Status;
            length = Math.Max(length, end.Value);
        }

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
}
