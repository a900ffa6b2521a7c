using System.Globalization;
using System.Text;
using Tmds.Linux;
using ThreeFs.Base;

namespace ThreeFs.Cli.Dev;

/// <summary>
/// Says that a process lives: it holds an exclusive lock on its file as long as it does, so a file left behind by kill
/// -9 or a recycled process id cannot be mistaken for a running process.
/// </summary>
internal sealed class PidFile : IDisposable
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(1);
    private readonly FileStream _file;

    private PidFile(FileStream file) => _file = file;

    /// <summary>
    /// Takes the lock and writes the own id; <see cref="StatusCode.Busy"/> names the process that has it.
    /// </summary>
    public static Result<PidFile> Acquire(string path)
    {
        // A look at the file by `threefs status` holds a shared lock for an instant; only a lasting
        // one is another process.
        var end = Environment.TickCount64 + (long)_patience.TotalMilliseconds;
        while (true)
        {
            try
            {
                var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
                file.SetLength(0);
                file.Write(
                    Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId}\n")));
                file.Flush();
                return new PidFile(file);
            }
            catch (UnauthorizedAccessException e)
            {
                return new Status(StatusCode.IoError, $"cannot write pid file {path}: {e.Message}");
            }
            catch (IOException e)
            {
                if (e is DirectoryNotFoundException)
                    return new Status(StatusCode.IoError, $"cannot write pid file {path}: {e.Message}");
                if (Environment.TickCount64 >= end)
                {
                    return new Status(StatusCode.Busy, $"already running: process {ReadText(path)} holds {path}");
                }

                Thread.Sleep(20);
            }
        }
    }

    /// <summary>The id of the process that holds the file, or null when nobody does.</summary>
    public static int? RunningProcess(string path)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            return null;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (IOException)
        {
            return int.TryParse(ReadText(path), CultureInfo.InvariantCulture, out var pid) ? pid : null;
        }
    }

    public void Dispose() => _file.Dispose();

    /// <summary>Reads without a lock, which every managed way of opening a file would try to take.</summary>
    private static unsafe string ReadText(string path)
    {
        var name = Encoding.UTF8.GetBytes(path + '\0');
        var buffer = stackalloc byte[32];
        fixed (byte* p = name)
        {
            var fd = LibC.open(p, LibC.O_RDONLY | LibC.O_CLOEXEC);
            if (fd < 0) return "?";
            var length = (int)LibC.read(fd, buffer, 32);
            LibC.close(fd);
            return length <= 0 ? "?" : Encoding.ASCII.GetString(buffer, length).Trim();
        }
    }
}
