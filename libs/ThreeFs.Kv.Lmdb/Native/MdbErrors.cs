using ThreeFs.Base;

namespace ThreeFs.Kv.Lmdb.Native;

/// <summary>Turns LMDB's and the kernel's codes into statuses that name the environment and what to do.</summary>
internal static class MdbErrors
{
    private const int Eio = 5;
    private const int Enospc = 28;
    private const int Edquot = 122;

    public static bool IsOutOfSpace(int code) => code is Mdb.MapFull or Mdb.TxnFull or Enospc or Edquot;

    public static Status ToStatus(int code, string path, string during) => code switch
    {
        0 => Status.Ok,
        Mdb.MapFull => new(
            StatusCode.NoSpace,
            $"{path}: the store has reached its map_size; set a larger one for every mgmtd and meta that uses it, as in "
            + $"kv = \"lmdb:{path}?map_size=256GiB\", and restart them ({during})"),
        Mdb.TxnFull => new(StatusCode.TxTooLarge, $"{path}: the commit touches too many pages ({during})"),
        Enospc or Edquot => new(StatusCode.NoSpace, $"{path}: the disk is full ({during})"),
        Eio when IsDiskFull(path) => new(StatusCode.NoSpace, $"{path}: the disk is full ({during})"),
        Mdb.ReadersFull => new(StatusCode.TxThrottled, $"{path}: every reader slot is in use ({during})"),
        Mdb.MapResized => new(
            StatusCode.Unavailable,
            $"{path}: another process has filled it beyond our map_size; use the same kv everywhere and restart ({during})"),
        Mdb.Corrupted or Mdb.Invalid => new(
            StatusCode.Corruption,
            $"{path}: not an intact LMDB file: {Mdb.Describe(code)} ({during})"),
        Mdb.VersionMismatch => new(StatusCode.UnknownFormatVersion, $"{path}: {Mdb.Describe(code)} ({during})"),
        _ => new(StatusCode.IoError, $"{path}: {Mdb.Describe(code)} ({during})"),
    };

    /// <summary>A short write on a full disk reaches us as EIO.</summary>
    private static bool IsDiskFull(string path)
    {
        try
        {
            return new DriveInfo(path).AvailableFreeSpace < 1 << 20;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return false;
        }
    }
}
