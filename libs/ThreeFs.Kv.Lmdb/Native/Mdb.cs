using System.Runtime.InteropServices;

namespace ThreeFs.Kv.Lmdb.Native;

/// <summary>
/// A key or value of LMDB: length and address. Addresses handed out by LMDB are valid until the transaction ends.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct MdbVal(byte* data, int length)
{
    public nuint Length = (nuint)length;
    public byte* Data = data;

    public readonly ReadOnlySpan<byte> Span => new(Data, checked((int)Length));
}

/// <summary>
/// The part of lmdb.h that the engine calls. Bound directly and not through LightningDB, whose package carries a native
/// library that does not load on Debian 12 and whose write path copies; liblmdb comes from the distribution, found by
/// <see cref="MdbLibrary"/>. Every call returns 0, an errno (positive) or an MDB code (negative).
/// </summary>
internal static unsafe partial class Mdb
{
    internal const string Library = "lmdb";

    public const int KeyExist = -30799;
    public const int NotFound = -30798;
    public const int Corrupted = -30796;
    public const int Panic = -30795;
    public const int VersionMismatch = -30794;
    public const int Invalid = -30793;
    public const int MapFull = -30792;
    public const int ReadersFull = -30790;
    public const int TxnFull = -30788;
    public const int MapResized = -30785;

    public const uint NoSync = 0x10000;
    public const uint ReadOnly = 0x20000;
    public const uint NoTls = 0x200000;
    public const uint NoReadAhead = 0x800000;
    public const uint NoMemInit = 0x1000000;
    public const uint Append = 0x20000;

    public const int CursorFirst = 0;
    public const int CursorLast = 6;
    public const int CursorNext = 8;
    public const int CursorPrevious = 12;
    public const int CursorSetRange = 17;

    [LibraryImport(Library, EntryPoint = "mdb_version")]
    public static partial byte* Version(out int major, out int minor, out int patch);

    [LibraryImport(Library, EntryPoint = "mdb_strerror")]
    public static partial byte* StrError(int code);

    [LibraryImport(Library, EntryPoint = "mdb_env_create")]
    public static partial int EnvCreate(out nint env);

    [LibraryImport(Library, EntryPoint = "mdb_env_open", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int EnvOpen(nint env, string path, uint flags, uint mode);

    [LibraryImport(Library, EntryPoint = "mdb_env_close")]
    public static partial void EnvClose(nint env);

    [LibraryImport(Library, EntryPoint = "mdb_env_set_mapsize")]
    public static partial int EnvSetMapSize(nint env, nuint size);

    [LibraryImport(Library, EntryPoint = "mdb_env_set_maxreaders")]
    public static partial int EnvSetMaxReaders(nint env, uint readers);

    [LibraryImport(Library, EntryPoint = "mdb_env_get_maxkeysize")]
    public static partial int EnvGetMaxKeySize(nint env);

    [LibraryImport(Library, EntryPoint = "mdb_reader_check")]
    public static partial int ReaderCheck(nint env, out int dead);

    [LibraryImport(Library, EntryPoint = "mdb_txn_begin")]
    public static partial int TxnBegin(nint env, nint parent, uint flags, out nint txn);

    [LibraryImport(Library, EntryPoint = "mdb_txn_id")]
    public static partial nuint TxnId(nint txn);

    [LibraryImport(Library, EntryPoint = "mdb_txn_commit")]
    public static partial int TxnCommit(nint txn);

    [LibraryImport(Library, EntryPoint = "mdb_txn_abort")]
    public static partial void TxnAbort(nint txn);

    [LibraryImport(Library, EntryPoint = "mdb_txn_reset")]
    public static partial void TxnReset(nint txn);

    [LibraryImport(Library, EntryPoint = "mdb_txn_renew")]
    public static partial int TxnRenew(nint txn);

    [LibraryImport(Library, EntryPoint = "mdb_dbi_open")]
    public static partial int DbiOpen(nint txn, nint name, uint flags, out uint dbi);

    [LibraryImport(Library, EntryPoint = "mdb_get")]
    public static partial int Get(nint txn, uint dbi, MdbVal* key, MdbVal* data);

    [LibraryImport(Library, EntryPoint = "mdb_put")]
    public static partial int Put(nint txn, uint dbi, MdbVal* key, MdbVal* data, uint flags);

    [LibraryImport(Library, EntryPoint = "mdb_del")]
    public static partial int Del(nint txn, uint dbi, MdbVal* key, MdbVal* data);

    [LibraryImport(Library, EntryPoint = "mdb_cursor_open")]
    public static partial int CursorOpen(nint txn, uint dbi, out nint cursor);

    [LibraryImport(Library, EntryPoint = "mdb_cursor_close")]
    public static partial void CursorClose(nint cursor);

    [LibraryImport(Library, EntryPoint = "mdb_cursor_renew")]
    public static partial int CursorRenew(nint txn, nint cursor);

    [LibraryImport(Library, EntryPoint = "mdb_cursor_get")]
    public static partial int CursorGet(nint cursor, MdbVal* key, MdbVal* data, int operation);

    [LibraryImport(Library, EntryPoint = "mdb_cursor_del")]
    public static partial int CursorDel(nint cursor, uint flags);

    public static string Describe(int code) => Marshal.PtrToStringUTF8((nint)StrError(code)) ?? $"LMDB error {code}";
}
