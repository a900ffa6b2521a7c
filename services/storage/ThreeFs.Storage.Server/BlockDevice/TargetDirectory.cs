using ThreeFs.Base;
using ThreeFs.Io;
using ThreeFs.Io.Files;
using ThreeFs.Storage.ChunkEngine;
using ThreeFs.Storage.Server.ChunkIndex;

namespace ThreeFs.Storage.Server.BlockDevice;

/// <summary>
/// A target on disk: <c>index/</c> with the RocksDB database and one <c>blocks-*</c> file a class. Opens both and the engine above them;
/// called on the reactor that will own the target.
/// </summary>
public static class TargetDirectory
{
    /// <summary>There is a target, or the beginning of one.</summary>
    public static bool Exists(string directory) => Directory.Exists(IndexOf(directory));

    /// <summary>Makes the directory and an empty target in it, durably; TargetExists when there is one.</summary>
    public static async ValueTask<Result<ChunkStore>> CreateAsync(
        Reactor reactor, string directory, TargetIdentity identity, ChunkStoreOptions options)
    {
        try
        {
            Directory.CreateDirectory(directory);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new Status(StatusCode.IoError, $"cannot create the target directory {directory}: {e.Message}");
        }

        var store = await StartAsync(reactor, directory, identity, options);
        if (!store.IsOk) return store;
        var status = DirectorySync.Flush(directory);
        if (status.IsOk) status = DirectorySync.Flush(Path.GetDirectoryName(Path.GetFullPath(directory))!);
        if (status.IsOk) return store;
        await store.Value.DisposeAsync();
        return status;
    }

    /// <summary>Opens the target of a directory; NotFound when there is none.</summary>
    public static ValueTask<Result<ChunkStore>> OpenAsync(Reactor reactor, string directory, ChunkStoreOptions options) =>
        Exists(directory)
            ? StartAsync(reactor, directory, create: null, options)
            : ValueTask.FromResult<Result<ChunkStore>>(new Status(StatusCode.NotFound, $"{directory} holds no target: create one first"));

    /// <summary>Names the running boot of this machine; see <see cref="ChunkStoreOptions.BootId"/>.</summary>
    public static Guid CurrentBoot()
    {
        const string file = "/proc/sys/kernel/random/boot_id";
        return File.Exists(file) && Guid.TryParse(File.ReadAllText(file).Trim(), out var id) ? id : Guid.Empty;
    }

    private static async ValueTask<Result<ChunkStore>> StartAsync(
        Reactor reactor, string directory, TargetIdentity? create, ChunkStoreOptions options)
    {
        Invariant.Check(reactor.IsCurrent, "a target is opened on the reactor that owns it");
        if (options.BootId == Guid.Empty) options = options with { BootId = CurrentBoot() };
        var files = BlockFiles.Open(reactor, directory);
        if (!files.TryGet(out var device)) return files.Status;
        var database = RocksIndex.Open(IndexOf(directory), mayCreate: create is not null, (action, state) => reactor.Post(action, state));
        if (!database.TryGet(out var index))
        {
            await device.DisposeAsync();
            return database.Status;
        }

        var store = create is { } identity
            ? await ChunkStore.CreateAsync(device, index, identity, options)
            : await ChunkStore.OpenAsync(device, index, options);
        if (store.IsOk) return store;
        await index.DisposeAsync();
        await device.DisposeAsync();
        return new Status(store.Code, $"target directory {directory}: {store.Status.Message ?? store.Code.ToString()}");
    }

    private static string IndexOf(string directory) => Path.Combine(directory, "index");
}
