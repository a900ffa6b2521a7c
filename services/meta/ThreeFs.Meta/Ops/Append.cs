using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Meta.Posix;
using ThreeFs.Meta.Records;
using ThreeFs.Meta.Transactions;

namespace ThreeFs.Meta.Ops;

/// <summary>
/// An append's place: the next bytes behind the file's end become the caller's, and the length moves with them in the same transaction.
/// No two appends of any clients get the same bytes, and each begins where the one before ended.
/// </summary>
/// <remarks>
/// <list type="bullet">
/// <item>The end is exact: the record knows every reservation and every write that was reported. While another client has the file
/// open for writes at places of its own, which it may not have reported, storage is asked too.</item>
/// <item>Applied once for each request: a repeated one gets the place it has.</item>
/// <item>The bytes are written after the reservation. Who dies between the two, or fails to write, leaves a hole of zeros.</item>
/// </list>
/// </remarks>
internal sealed class Append(TransactionRunner runner, IFileChunks chunks)
{
    private const int MaxRounds = 16;

    public async ValueTask<Result<Outcome>> RunAsync(MetaContext context, InodeId inode, long count, CancellationToken ct)
    {
        if (count <= 0) return new Status(StatusCode.InvalidArgument, $"an append has at least one byte, not {count}");
        Measured? measured = null;
        for (var round = 0; round < MaxRounds; round++)
        {
            var reservation = new Reservation(inode, count, measured);
            var result = await runner.WriteAsync(context, reservation, ct);
            if (result.Code != StatusCode.MoreToDo || reservation.Ask is not { } file) return result;
            var length = await chunks.QueryLengthAsync(inode, file.Layout!, ct);
            if (!length.IsOk) return length.Status;
            measured = new Measured(file.TruncateVersion, length.Value);
        }

        return new Status(StatusCode.Busy, "the file is being truncated by others all the time");
    }

    private readonly record struct Measured(TruncateVersion Under, long Length);

    private sealed class Reservation(InodeId inode, long count, Measured? measured) : IMutation
    {
        /// <summary>The file whose end storage has to tell first.</summary>
        public InodeAttr? Ask { get; private set; }

        public async ValueTask<Result<Outcome>> RunAsync(MetaTransaction tx)
        {
            Ask = null;
            var found = await tx.InodeAsync(inode);
            if (!found.TryGet(out var file)) return found.Status;
            if (file.Type != InodeType.File) return new Status(StatusCode.InvalidArgument, $"inode {inode} is not a regular file");
            if ((file.Flags & InodeRecord.Collecting) != 0)
                return new Status(StatusCode.StaleHandle, $"the content of inode {inode} is already being removed");
            var others = await tx.OthersWriteAnywhereAsync(inode);
            if (!others.IsOk) return others.Status;
            if (others.Value && measured?.Under != file.TruncateVersion)
            {
                Ask = file;
                return StatusCode.MoreToDo;
            }

            var begin = others.Value ? Math.Max(file.Length, measured!.Value.Length) : file.Length;
            if (begin > PosixLimits.MaxFileLength - count)
                return new Status(StatusCode.FileTooLarge, $"inode {inode} has {begin} bytes, {count} more are too many");
            var hint = new LengthHint(begin + count, file.TruncateVersion, false, null, null);
            var longer = LengthReport.Apply(tx.User, file, hint, begin + count, tx.Now);
            tx.PutInode(longer);
            return new Outcome(InodeRecord.Public(longer));
        }
    }
}
