using ThreeFs.Base;

namespace ThreeFs.Kv.FoundationDb;

/// <summary>
/// The file by which clients find a FoundationDB cluster: one line, <c>description:id@host:port,host:port,…</c>, and
/// lines of comments. Read here only to say what is wrong with it before the library is asked.
/// </summary>
internal sealed record ClusterFile(string Path, string Coordinators)
{
    public static Result<ClusterFile> Read(string path)
    {
        string[] lines;
        try
        {
            lines = File.ReadAllLines(path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return new Status(
                StatusCode.InvalidArgument,
                $"the FoundationDB cluster file {path} does not exist: copy the one of a server, "
                + "/etc/foundationdb/fdb.cluster");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return new Status(
                StatusCode.InvalidArgument,
                $"the FoundationDB cluster file {path} cannot be read: {e.Message}");
        }

        var text = lines.Select(line => line.Trim()).Where(line => line.Length > 0 && line[0] != '#').ToArray();
        if (text is [var line] && line.Split('@') is [var name, var coordinators]
            && name.Split(':') is [{ Length: > 0 }, { Length: > 0 }] && coordinators.Contains(':'))
            return new ClusterFile(path, coordinators);
        return new Status(
            StatusCode.InvalidArgument,
            $"{path} is not a FoundationDB cluster file: expected one line \"description:id@host:port,host:port,...\"");
    }
}
