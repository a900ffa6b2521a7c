using System.Runtime.InteropServices;
using ThreeFs.UsrbIo.Linux;

namespace ThreeFs.Fuse.Virtual;

/// <summary>A process that is told apart from a later one with its number.</summary>
internal sealed unsafe partial class ProcessWatch : IDisposable
{
    private const nint PidFdOpen = 434;
    private const short PollIn = 1;

    private readonly int _fd;

    private ProcessWatch(int fd) => _fd = fd;

    /// <summary>Of a process that is known to live, because it waits for this one; null when it is not visible from here.</summary>
    public static ProcessWatch? Of(uint process)
    {
        if (process == 0) return null;
        var fd = (int)Syscall(PidFdOpen, (nint)process, 0);
        return fd < 0 ? null : new ProcessWatch(fd);
    }

    public bool HasEnded
    {
        get
        {
            var poll = new Poll { Descriptor = _fd, Events = PollIn };
            return PollAll(&poll, 1, 0) > 0;
        }
    }

    public void Dispose() => LibC.Close(_fd);

    /// <summary>struct pollfd.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Poll
    {
        public int Descriptor;
        public short Events;
        public short Answer;
    }

    [LibraryImport("libc", EntryPoint = "poll")]
    private static partial int PollAll(Poll* polls, nuint count, int timeout);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint Syscall(nint number, nint process, nint flags);
}
