namespace ThreeFs.UsrbIo;

/// <summary>
/// The name of a submit semaphore. One of ours has a UUID of version 8 that begins with a mark, and is locked with
/// flock(2) for as long as its mount lives: by that, applications and later mounts tell whether it does. Those of
/// another maker's mounts are not locked.
/// </summary>
public static class SubmitName
{
    /// <summary>Where the C library keeps named semaphores.</summary>
    public const string Directory = "/dev/shm/";

    /// <summary>Of the file there; a UUID follows.</summary>
    public const string Prefix = "sem.hf3fs-submit-ios.";

    /// <summary>Bytes of the file; another size: it is being made, or somebody has cut it.</summary>
    public const int Size = 32;

    private const string Mark = "3f5d";
    private const int VersionAt = 14;

    /// <summary>The path of a new one.</summary>
    public static string New()
    {
        var uuid = Guid.NewGuid().ToString();
        return $"{Directory}{Prefix}{Mark}{uuid[Mark.Length..VersionAt]}8{uuid[(VersionAt + 1)..]}";
    }

    /// <summary>The path is that of one of ours.</summary>
    public static bool IsOurs(ReadOnlySpan<byte> path)
    {
        const int uuidAt = 30;
        return path.Length > uuidAt + VersionAt && path.StartsWith("/dev/shm/sem.hf3fs-submit-ios.3f5d"u8)
            && path[uuidAt + VersionAt] == (byte)'8';
    }
}
