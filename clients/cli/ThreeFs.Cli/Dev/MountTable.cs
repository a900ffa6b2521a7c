using System.Text;

namespace ThreeFs.Cli.Dev;

/// <summary>What the kernel has mounted, from /proc/self/mounts.</summary>
internal static class MountTable
{
    /// <summary>Type of the file system mounted last at exactly this directory, or null.</summary>
    public static string? TypeAt(string path) => TypeAt(path, File.ReadLines("/proc/self/mounts"));

    internal static string? TypeAt(string path, IEnumerable<string> mounts)
    {
        string? type = null;
        foreach (var line in mounts)
        {
            var fields = line.Split(' ');
            if (fields.Length >= 3 && Unescape(fields[1]) == path) type = fields[2];
        }

        return type;
    }

    /// <summary>Blanks, tabs, newlines and backslashes are written as three octal digits.</summary>
    private static string Unescape(string field)
    {
        if (!field.Contains('\\')) return field;
        var text = new StringBuilder();
        for (var i = 0; i < field.Length; i++)
        {
            if (field[i] == '\\' && i + 3 < field.Length)
            {
                text.Append((char)Convert.ToInt32(field.Substring(i + 1, 3), 8));
                i += 3;
            }
            else
            {
                text.Append(field[i]);
            }
        }

        return text.ToString();
    }
}
