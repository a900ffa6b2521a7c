using System.Text;

namespace ThreeFs.Fuse.Mounting;

/// <summary>One line of /proc/self/mountinfo.</summary>
public readonly record struct MountEntry(string MountPoint, string Type, string Source)
{
    /// <summary>The mounts that this process sees; the last one at a place is the one on top.</summary>
    public static IEnumerable<MountEntry> ReadAll() => File.ReadLines("/proc/self/mountinfo").Select(Parse);

    /// <summary>Type of the file system on top of a directory that is a mount point itself, symlinks followed; null when it is none.</summary>
    public static string? TypeAt(string path)
    {
        var resolved = WithoutLinks(path);
        return ReadAll().Where(mount => mount.MountPoint == resolved).Select(mount => mount.Type).LastOrDefault();
    }

    /// <summary>The absolute path as the kernel's table has it; what does not exist stays as it was written.</summary>
    /// <remarks>Asks no FUSE file system for its root: whoever serves it may be the one that this process is to start again.</remarks>
    public static string WithoutLinks(string path)
    {
        var silent = ReadAll().Where(m => m.Type.StartsWith("fuse", StringComparison.Ordinal)).Select(m => m.MountPoint).ToHashSet();
        var resolved = "/";
        foreach (var part in Path.GetFullPath(path).Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            resolved = Path.Combine(resolved, part);
            if (silent.Contains(resolved) || !Directory.Exists(resolved)) continue;
            if (Directory.ResolveLinkTarget(resolved, returnFinalTarget: true) is { } target) resolved = WithoutLinks(target.FullName);
        }

        return resolved;
    }

    /// <summary>
    /// "36 35 98:0 /root /mnt rw,noatime master:1 - ext3 /dev/root rw": the fields behind the dash are counted from
    /// there.
    /// </summary>
    internal static MountEntry Parse(string line)
    {
        var fields = line.Split(' ');
        var dash = Array.IndexOf(fields, "-", 6);
        return new MountEntry(Unescape(fields[4]), fields[dash + 1], Unescape(fields[dash + 2]));
    }

    /// <summary>Space, tab, newline and backslash are written as octal numbers.</summary>
    private static string Unescape(string text)
    {
        if (!text.Contains('\\')) return text;
        var bytes = new List<byte>();
        var raw = Encoding.UTF8.GetBytes(text);
        for (var i = 0; i < raw.Length; i++)
        {
            if (raw[i] == '\\' && i + 3 < raw.Length)
            {
                bytes.Add((byte)(((raw[i + 1] - '0') << 6) | ((raw[i + 2] - '0') << 3) | (raw[i + 3] - '0')));
                i += 3;
            }
            else
            {
                bytes.Add(raw[i]);
            }
        }

        return Encoding.UTF8.GetString([.. bytes]);
    }
}
