using System.Buffers.Binary;
using ThreeFs.Base;
using ThreeFs.Kv.Lmdb.Durability;
using ThreeFs.Kv.Lmdb.Native;
using ThreeFs.Kv.Lmdb.Storage;

namespace ThreeFs.Kv.Lmdb;

/// <summary>
/// Opens an environment, one process at a time: restores it when the machine has failed since the last steady point,
/// checks its format, and makes a steady point of this process's own before its first write. A process killed anywhere
/// in here leaves the next one to do the same again: the record of the earlier boot is replaced last.
/// </summary>
internal static class LmdbOpening
{
    public const byte FormatVersion = 1;

    /// <summary>Versions of commits that a power failure undid were seen outside and must not come again.</summary>
    public const long VersionsSkippedByRestore = 1L << 32;

    public static Result<LmdbEnvironment> Open(LmdbOptions options, TimeProvider time)
    {
        var boot = options.BootId is { } given ? given : BootIdentity.Read();
        if (!boot.IsOk) return boot.Status;
        var files = LmdbFiles.Open(options.Path);
        if (!files.IsOk) return files.Status;
        var status = files.Value.LockOpening();
        var environment = status.IsOk ? OpenLocked(options, time, files.Value, boot.Value) : status;
        if (status.IsOk) files.Value.UnlockOpening();
        if (!environment.IsOk) files.Value.Dispose();
        return environment;
    }

    private static Result<LmdbEnvironment> OpenLocked(
        LmdbOptions options,
        TimeProvider time,
        LmdbFiles files,
        Guid boot)
    {
        var restored = RestoreAfterFailure(options, files, boot);
        if (!restored.IsOk) return restored.Status;
        var status = files.LockShared();
        if (!status.IsOk) return status;
        var handle = OpenHandle(options);
        if (!handle.IsOk) return handle.Status;

        var prepared = Prepare(handle.Value, options.Path, restored.Value);
        status = prepared.Status;
        if (status.IsOk && files.Data is null) status = files.OpenData();
        SteadyPoints? points = null;
        if (status.IsOk)
        {
            points = new SteadyPoints(
                handle.Value,
                files.Data!,
                files.Steady,
                boot,
                options.Path,
                options.SyncOverride);
            status = points.Advance(opening: true);
        }

        if (status.IsOk) status = files.SyncNames();
        if (status.IsOk)
            return new LmdbEnvironment(
                handle.Value,
                prepared.Value.Database,
                prepared.Value.Version,
                options,
                time,
                files,
                points!);
        points?.Close();
        Mdb.EnvClose(handle.Value);
        return status;
    }

    /// <summary>True: the meta page of the last steady point was put back.</summary>
    private static Result<bool> RestoreAfterFailure(LmdbOptions options, LmdbFiles files, Guid boot)
    {
        var newest = files.Steady.ReadNewest();
        if (!newest.IsOk) return newest.Status;
        var exists = File.Exists(files.DataPath) && new FileInfo(files.DataPath).Length > 0;
        if (newest.Value is not { } record)
        {
            // Never completed, or a backup of the data file alone: LMDB says whether it is intact.
            if (exists)
                options.Notice?.Invoke($"{options.Path} has no steady point yet, taking the data file as it is");
            return false;
        }

        if (!exists)
            return new Status(
                StatusCode.Corruption,
                $"{files.DataPath} is missing, but {options.Path}/steady describes it");
        if (record.BootId == boot) return false;
        var status = files.LockAlone();
        if (status.IsOk) status = files.OpenData();
        if (status.IsOk) status = Restore(files, record);
        if (!status.IsOk) return status;
        options.Notice?.Invoke(
            $"{options.Path} was last used in an earlier boot: taken back to its last flush, transaction {record.TransactionId}");
        return true;
    }

    private static Status Restore(LmdbFiles files, SteadyRecord record)
    {
        try
        {
            var status = MetaPage.Restore(files.Data!, record.Meta, files.DataPath);
            if (!status.IsOk) return status;
            var errno = Posix.SyncData(files.Data!);
            if (errno == 0) return Status.Ok;
            return new Status(StatusCode.IoError, $"{files.DataPath}: {Posix.Describe(errno)}");
        }
        catch (IOException e)
        {
            return new Status(StatusCode.IoError, $"{files.DataPath}: {e.Message}");
        }
    }

    private static Result<nint> OpenHandle(LmdbOptions options)
    {
        var code = Mdb.EnvCreate(out var handle);
        if (code != 0) return MdbErrors.ToStatus(code, options.Path, "creating the handle");
        code = Mdb.EnvSetMapSize(handle, (nuint)options.MapSize);
        if (code == 0) code = Mdb.EnvSetMaxReaders(handle, (uint)options.MaxReaders);
        if (code == 0)
            code = Mdb.EnvOpen(handle, options.Path, Mdb.NoSync | Mdb.NoTls | Mdb.NoReadAhead | Mdb.NoMemInit, 0x1A4);
        var status = MdbErrors.ToStatus(code, options.Path, "opening");
        if (status.IsOk && Mdb.EnvGetMaxKeySize(handle) < StoredKeys.MaxRowKey)
            status = new Status(
                StatusCode.Unavailable,
                $"liblmdb was built for keys shorter than {StoredKeys.MaxRowKey} bytes");
        if (status.IsOk) return handle;
        Mdb.EnvClose(handle);
        return status;
    }

    /// <summary>Checks or writes the format, and moves the version on after a restore.</summary>
    private static Result<(uint Database, KvVersion Version)> Prepare(nint handle, string path, bool restored)
    {
        var code = Mdb.TxnBegin(handle, 0, 0, out var txn);
        if (code != 0) return MdbErrors.ToStatus(code, path, "taking the write lock");
        code = Mdb.DbiOpen(txn, 0, 0, out var database);
        ReadOnlySpan<byte> format = default;
        if (code == 0) code = MdbReads.FindRow(txn, database, StoredKeys.Format, out format);
        var version = new KvVersion(0);
        if (code == Mdb.NotFound) code = WriteFormat(txn, database);
        else if (code == 0 && (format.Length != 1 || format[0] != FormatVersion))
        {
            var found = format.Length == 1 ? format[0] : 0;
            Mdb.TxnAbort(txn);
            return new Status(
                StatusCode.UnknownFormatVersion,
                $"{path}: format {found}, this build knows {FormatVersion}");
        }
        else if (code == 0) code = Snapshot.ReadVersion(txn, database, out version);

        if (code == 0 && restored)
        {
            version = new KvVersion(version.Value + VersionsSkippedByRestore);
            code = WriteVersion(txn, database, version);
        }

        if (code != 0) Mdb.TxnAbort(txn);
        else code = Mdb.TxnCommit(txn);
        return code == 0 ? (database, version) : MdbErrors.ToStatus(code, path, "reading the format");
    }

    private static int WriteFormat(nint txn, uint database)
    {
        var code = MdbWrites.PutRow(txn, database, StoredKeys.Format, [FormatVersion]);
        return code == 0 ? WriteVersion(txn, database, new KvVersion(0)) : code;
    }

    private static int WriteVersion(nint txn, uint database, KvVersion version)
    {
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(bytes, version.Value);
        return MdbWrites.PutRow(txn, database, StoredKeys.Version, bytes);
    }
}
