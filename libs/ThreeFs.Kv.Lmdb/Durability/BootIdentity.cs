using ThreeFs.Base;

namespace ThreeFs.Kv.Lmdb.Durability;

/// <summary>Which boot of the machine this is: the life of the page cache that relaxed commits live in.</summary>
internal static class BootIdentity
{
    private const string Source = "/proc/sys/kernel/random/boot_id";

    public static Result<Guid> Read()
    {
        try
        {
            if (Guid.TryParse(File.ReadAllText(Source).Trim(), out var id) && id != SteadyRecord.Lost) return id;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new Status(StatusCode.Unavailable, $"{Source}: {e.Message}");
        }

        return new Status(StatusCode.Unavailable, $"{Source} does not hold an id");
    }
}
