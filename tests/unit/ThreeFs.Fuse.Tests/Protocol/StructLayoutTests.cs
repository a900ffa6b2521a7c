using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using ThreeFs.Fuse.Protocol;

namespace ThreeFs.Fuse.Tests.Protocol;

/// <summary>
/// Every structure against the C compiler and the kernel's header: size, and for each field its offset. Needs gcc and
/// linux-libc-dev; without them it fails, because a wrong layout corrupts files.
/// </summary>
public sealed class StructLayoutTests
{
    private static readonly (Type Type, string C, string Fields)[] _structs =
    [
        (typeof(FuseInHeader), "fuse_in_header", "len opcode unique nodeid uid gid pid total_extlen padding"),
        (typeof(FuseOutHeader), "fuse_out_header", "len error unique"),
        (typeof(FuseInitIn), "fuse_init_in", "major minor max_readahead flags flags2 unused"),
        (typeof(FuseInitOut), "fuse_init_out",
            "major minor max_readahead flags max_background congestion_threshold max_write time_gran"
            + " max_pages map_alignment flags2 unused"),
        (typeof(FuseInterruptIn), "fuse_interrupt_in", "unique"),
        (typeof(FuseNotifyInvalInodeOut), "fuse_notify_inval_inode_out", "ino off len"),
        (typeof(FuseAttr), "fuse_attr",
            "ino size blocks atime mtime ctime atimensec mtimensec ctimensec mode nlink uid gid rdev blksize flags"),
        (typeof(FuseEntryOut), "fuse_entry_out",
            "nodeid generation entry_valid attr_valid entry_valid_nsec attr_valid_nsec attr"),
        (typeof(FuseAttrOut), "fuse_attr_out", "attr_valid attr_valid_nsec dummy attr"),
        (typeof(FuseGetAttrIn), "fuse_getattr_in", "getattr_flags dummy fh"),
        (typeof(FuseSetAttrIn), "fuse_setattr_in",
            "valid padding fh size lock_owner atime mtime ctime atimensec mtimensec ctimensec mode unused4"
            + " uid gid unused5"),
        (typeof(FuseStatFsOut), "fuse_kstatfs", "blocks bfree bavail files ffree bsize namelen frsize padding spare"),
        (typeof(FuseForgetIn), "fuse_forget_in", "nlookup"),
        (typeof(FuseBatchForgetIn), "fuse_batch_forget_in", "count dummy"),
        (typeof(FuseForgetOne), "fuse_forget_one", "nodeid nlookup"),
        (typeof(FuseAccessIn), "fuse_access_in", "mask padding"),
        (typeof(FuseSetXattrIn), "fuse_setxattr_in", "size flags setxattr_flags padding"),
        (typeof(FuseGetXattrIn), "fuse_getxattr_in", "size padding"),
        (typeof(FuseGetXattrOut), "fuse_getxattr_out", "size padding"),
        (typeof(FuseMkNodIn), "fuse_mknod_in", "mode rdev umask padding"),
        (typeof(FuseMkDirIn), "fuse_mkdir_in", "mode umask"),
        (typeof(FuseRenameIn), "fuse_rename_in", "newdir"),
        (typeof(FuseRename2In), "fuse_rename2_in", "newdir flags padding"),
        (typeof(FuseLinkIn), "fuse_link_in", "oldnodeid"),
        (typeof(FuseCreateIn), "fuse_create_in", "flags mode umask open_flags"),
        (typeof(FuseDirent), "fuse_dirent", "ino off namelen type"),
        (typeof(FuseOpenIn), "fuse_open_in", "flags open_flags"),
        (typeof(FuseOpenOut), "fuse_open_out", "fh open_flags padding"),
        (typeof(FuseReleaseIn), "fuse_release_in", "fh flags release_flags lock_owner"),
        (typeof(FuseFlushIn), "fuse_flush_in", "fh unused padding lock_owner"),
        (typeof(FuseReadIn), "fuse_read_in", "fh offset size read_flags lock_owner flags padding"),
        (typeof(FuseWriteIn), "fuse_write_in", "fh offset size write_flags lock_owner flags padding"),
        (typeof(FuseWriteOut), "fuse_write_out", "size padding"),
        (typeof(FuseFsyncIn), "fuse_fsync_in", "fh fsync_flags padding"),
        (typeof(FuseFallocateIn), "fuse_fallocate_in", "fh offset length mode padding"),
        (typeof(FuseFileLock), "fuse_file_lock", "start end type pid"),
        (typeof(FuseLockIn), "fuse_lk_in", "fh owner lk lk_flags padding"),
        (typeof(FuseLockOut), "fuse_lk_out", "lk"),
        (typeof(FuseLSeekIn), "fuse_lseek_in", "fh offset whence padding"),
        (typeof(FuseLSeekOut), "fuse_lseek_out", "offset"),
        (typeof(FuseCopyFileRangeIn), "fuse_copy_file_range_in", "fh_in off_in nodeid_out fh_out off_out len flags"),
        (typeof(FuseIoctlIn), "fuse_ioctl_in", "fh flags cmd arg in_size out_size"),
        (typeof(FuseIoctlOut), "fuse_ioctl_out", "result flags in_iovs out_iovs"),
    ];

    [Fact]
    public void Structures_have_the_layout_of_the_kernel_header()
    {
        var expected = CompileAndRun(Program());
        var actual = new StringBuilder();
        foreach (var (type, c, names) in _structs)
        {
            var fields = type.GetFields(System.Reflection.BindingFlags.Instance
                | System.Reflection.BindingFlags.Public);
            Assert.True(fields.Length == names.Split(' ').Length, $"{type.Name} has the fields of {c}");
            actual.Append(CultureInfo.InvariantCulture, $"{c} {Marshal.SizeOf(type)}\n");
            foreach (var (field, name) in fields.Zip(names.Split(' ')))
                actual.Append(CultureInfo.InvariantCulture, $"{c}.{name} {Marshal.OffsetOf(type, field.Name)}\n");
        }

        Assert.Equal(expected, actual.ToString());
    }

    [Fact]
    public void Numbers_are_those_of_the_kernel_header()
    {
        var names = new (string C, ulong Value)[]
        {
            ("FUSE_LOOKUP", (ulong)FuseOpcode.Lookup), ("FUSE_SETATTR", (ulong)FuseOpcode.SetAttr),
            ("FUSE_RMDIR", (ulong)FuseOpcode.RmDir), ("FUSE_WRITE", (ulong)FuseOpcode.Write),
            ("FUSE_FSYNC", (ulong)FuseOpcode.Fsync), ("FUSE_INIT", (ulong)FuseOpcode.Init),
            ("FUSE_FSYNCDIR", (ulong)FuseOpcode.FsyncDir), ("FUSE_CREATE", (ulong)FuseOpcode.Create),
            ("FUSE_INTERRUPT", (ulong)FuseOpcode.Interrupt), ("FUSE_BATCH_FORGET", (ulong)FuseOpcode.BatchForget),
            ("FUSE_RENAME2", (ulong)FuseOpcode.Rename2), ("FUSE_COPY_FILE_RANGE", (ulong)FuseOpcode.CopyFileRange),
            ("FUSE_TMPFILE", (ulong)FuseOpcode.TmpFile), ("FUSE_READDIRPLUS", (ulong)FuseOpcode.ReadDirPlus),
            ("FUSE_GETLK", (ulong)FuseOpcode.GetLock), ("FUSE_SETLK", (ulong)FuseOpcode.SetLock),
            ("FUSE_SETLKW", (ulong)FuseOpcode.SetLockWait), ("FUSE_LK_FLOCK", FuseLockIn.Flock),
            ("F_RDLCK", FuseFileLock.Read), ("F_WRLCK", FuseFileLock.Write), ("F_UNLCK", FuseFileLock.Unlock),
            ("FUSE_POSIX_LOCKS", (ulong)FuseInitFlags.PosixLocks), ("FUSE_FLOCK_LOCKS", (ulong)FuseInitFlags.FlockLocks),
            ("FUSE_ASYNC_READ", (ulong)FuseInitFlags.AsyncRead),
                ("FUSE_ATOMIC_O_TRUNC", (ulong)FuseInitFlags.AtomicOTrunc),
            ("FUSE_EXPORT_SUPPORT", (ulong)FuseInitFlags.ExportSupport),
                ("FUSE_BIG_WRITES", (ulong)FuseInitFlags.BigWrites),
            ("FUSE_HAS_IOCTL_DIR", (ulong)FuseInitFlags.HasIoctlDir),
                ("FUSE_AUTO_INVAL_DATA", (ulong)FuseInitFlags.AutoInvalData),
            ("FUSE_DO_READDIRPLUS", (ulong)FuseInitFlags.DoReadDirPlus),
            ("FUSE_READDIRPLUS_AUTO", (ulong)FuseInitFlags.ReadDirPlusAuto),
                ("FUSE_ASYNC_DIO", (ulong)FuseInitFlags.AsyncDio),
            ("FUSE_PARALLEL_DIROPS", (ulong)FuseInitFlags.ParallelDirOps),
                ("FUSE_MAX_PAGES", (ulong)FuseInitFlags.MaxPages),
            ("FUSE_CACHE_SYMLINKS", (ulong)FuseInitFlags.CacheSymlinks),
            ("FUSE_HANDLE_KILLPRIV_V2", (ulong)FuseInitFlags.HandleKillPrivV2),
            ("FUSE_SETXATTR_EXT", (ulong)FuseInitFlags.SetXattrExt), ("FUSE_INIT_EXT", (ulong)FuseInitFlags.InitExt),
            ("FATTR_KILL_SUIDGID", (ulong)FuseSetAttrValid.KillSuidGid),
                ("FATTR_MTIME_NOW", (ulong)FuseSetAttrValid.ModifyTimeNow),
            ("FATTR_FH", (ulong)FuseSetAttrValid.Handle), ("FATTR_SIZE", (ulong)FuseSetAttrValid.Size),
            ("FOPEN_DIRECT_IO", (ulong)FuseOpenReplyFlags.DirectIo),
                ("FOPEN_KEEP_CACHE", (ulong)FuseOpenReplyFlags.KeepCache),
            ("FOPEN_PARALLEL_DIRECT_WRITES", (ulong)FuseOpenReplyFlags.ParallelDirectWrites),
            ("FUSE_WRITE_KILL_SUIDGID", (ulong)FuseWriteFlags.KillSuidGid),
                ("FUSE_DEV_IOC_CLONE", FuseConstants.DeviceClone),
            ("FUSE_GETATTR_FH", FuseConstants.GetAttrHandle), ("FUSE_OPEN_KILL_SUIDGID", FuseConstants.OpenKillSuidGid),
            ("FUSE_FSYNC_FDATASYNC", FuseConstants.FsyncDataOnly), ("FUSE_ROOT_ID", FuseConstants.RootNode),
            ("FUSE_NOTIFY_INVAL_INODE", FuseConstants.NotifyInvalInode),
        };
        var program = new StringBuilder(Head);
        foreach (var (c, _) in names)
            program.Append(CultureInfo.InvariantCulture, $"printf(\"{c} %llu\\n\", (unsigned long long)({c}));\n");
        var expected = CompileAndRun(program + Tail);
        Assert.Equal(expected, string.Concat(names.Select(n => $"{n.C} {n.Value}\n")));
    }

    [Fact]
    public void Error_numbers_are_those_of_this_system()
    {
        var names = Enum.GetNames<Errno>().Where(n => n != nameof(Errno.Ok)).ToArray();
        var program = new StringBuilder(Head);
        foreach (var name in names)
            program.Append(CultureInfo.InvariantCulture, $"printf(\"{name} %d\\n\", {name});\n");
        var expected = CompileAndRun(program + Tail);
        Assert.Equal(expected, string.Concat(names.Select(n => $"{n} {(int)Enum.Parse<Errno>(n)}\n")));
    }

    private const string Head =
        "#include <stdio.h>\n#include <stddef.h>\n#include <errno.h>\n#include <fcntl.h>\n#include <sys/ioctl.h>\n"
        + "#include <linux/fuse.h>\nint main(void){\n";

    private const string Tail = "return 0;}\n";

    private static string Program()
    {
        var program = new StringBuilder(Head);
        foreach (var (_, c, names) in _structs)
        {
            program.Append(CultureInfo.InvariantCulture, $"printf(\"{c} %zu\\n\", sizeof(struct {c}));\n");
            foreach (var name in names.Split(' '))
                program.Append(CultureInfo.InvariantCulture,
                    $"printf(\"{c}.{name} %zu\\n\", offsetof(struct {c}, {name}));\n");
        }

        return program + Tail;
    }

    private static string CompileAndRun(string source)
    {
        var home = Directory.CreateTempSubdirectory("threefs-layout-").FullName;
        try
        {
            var file = Path.Combine(home, "layout.c");
            File.WriteAllText(file, source);
            Run("gcc", "-Wall", "-o", Path.Combine(home, "layout"), file);
            return Run(Path.Combine(home, "layout"));
        }
        finally
        {
            Directory.Delete(home, recursive: true);
        }
    }

    private static string Run(string command, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(command, arguments)
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        })!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{command} (apt-get install gcc linux-libc-dev): {errors.Result}");
        return output;
    }
}
