namespace ThreeFs.Cli.Dev;

/// <summary>Why a path can never be a directory as things are.</summary>
internal static class Obstacle
{
    /// <summary>
    /// Names the file or the dangling link at the path or above it; null when the directory is there or can be made.
    /// </summary>
    public static string? At(string path)
    {
        for (var at = path; at is not null; at = Path.GetDirectoryName(at))
        {
            if (Directory.Exists(at)) return null;
            var above = at == path ? "" : $"cannot make {path}: ";
            if (new FileInfo(at).LinkTarget is { } target
                && !File.Exists(Path.Combine(Path.GetDirectoryName(at)!, target)))
            {
                return $"{above}{at} is a symbolic link to {target}, which does not exist";
            }

            if (File.Exists(at)) return $"{above}{at} is a file";
        }

        return null;
    }
}
