using System.Globalization;

namespace ThreeFs.Cli.Dev;

/// <summary>A process that has something of a mount open.</summary>
/// <param name="Writes">A file is open for writing: what is written after the mount has ended is lost to it.</param>
internal sealed record MountUser(int Pid, string Name, bool Writes)
{
    public override string ToString() => $"{Name} (process {Pid}{(Writes ? ", writing" : "")})";
}

/// <summary>
/// Who uses a mount, read from /proc: open files, working and root directories, mapped files. Asks the mount itself
/// nothing, so it also answers while the mount hangs. Processes of other users show only to root.
/// </summary>
internal static class MountUsers
{
    /// <param name="mount">As it stands in the kernel's table of mounts.</param>
    /// <param name="except">Processes that serve the mount.</param>
    public static IReadOnlyList<MountUser> Find(string mount, params IEnumerable<int> except) =>
        Find("/proc", mount, except);

    internal static IReadOnlyList<MountUser> Find(string proc, string mount, IEnumerable<int> except)
    {
        var users = new List<MountUser>();
        foreach (var directory in Directory.EnumerateDirectories(proc))
        {
            var name = Path.GetFileName(directory);
            if (!int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var pid)) continue;
            if (except.Contains(pid)) continue;
            var files = OpenFiles(directory, mount);
            if (files.Any || Maps(directory, mount)) users.Add(new MountUser(pid, NameOf(directory), files.Written));
        }

        return [.. users.OrderBy(u => u.Pid)];
    }

    private static (bool Any, bool Written) OpenFiles(string process, string mount)
    {
        var any = IsIn(LinkOf($"{process}/cwd"), mount) || IsIn(LinkOf($"{process}/root"), mount);
        foreach (var descriptor in Entries($"{process}/fd"))
        {
            if (!IsIn(LinkOf(descriptor), mount)) continue;
            if (IsWritable($"{process}/fdinfo/{Path.GetFileName(descriptor)}")) return (true, true);
            any = true;
        }

        return (any, false);
    }

    /// <summary>The line "flags:" is octal; its two lowest bits are the access mode, 0 for reading only.</summary>
    private static bool IsWritable(string descriptorInfo)
    {
        var flags = Lines(descriptorInfo).FirstOrDefault(l => l.StartsWith("flags:", StringComparison.Ordinal));
        return flags is not null && ((flags[^1] - '0') & 3) != 0;
    }

    private static bool Maps(string process, string mount) =>
        Lines($"{process}/maps").Any(line => line.IndexOf('/') is var at and >= 0 && IsIn(line[at..], mount));

    private static bool IsIn(string? path, string mount) =>
        path is not null && (path == mount || path.StartsWith(mount + "/", StringComparison.Ordinal));

    private static string NameOf(string process) => Lines($"{process}/comm").FirstOrDefault() ?? "?";

    // A process may end, or be another user's, at any of these looks.

    private static string? LinkOf(string path) => Try(() => new FileInfo(path).LinkTarget, null);

    private static string[] Entries(string directory) => Try(() => Directory.GetFileSystemEntries(directory), []);

    private static string[] Lines(string file) => Try(() => File.ReadAllLines(file), []);

    private static T Try<T>(Func<T> look, T otherwise)
    {
        try
        {
            return look();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return otherwise;
        }
    }
}
