using System.Runtime.InteropServices;
using System.Text;
using ThreeFs.Fuse.Protocol;
using ThreeFs.Fuse.Session;

namespace ThreeFs.Fuse.Virtual;

/// <summary>The ioctls by which programs find out that a file lies on such a mount, and on which one.</summary>
internal sealed class ControlCalls(string clusterId, string mountPoint)
{
    public const uint Fsync = 0x8004680B;
    private const uint GetMountName = 0x80206800;
    private const uint GetPathOffset = 0x80046801;
    private const uint GetMagicNumber = 0x80046802;
    private const uint GetVersion = 0x80046803;
    private const uint MagicNumber = 0x8F3F5FFF;
    private const uint Version = 1;
    private const int NameSize = 32;

    /// <summary>False when it is another call.</summary>
    public bool TryAnswer(FuseRequest request, in FuseIoctlIn call, out Errno answer)
    {
        switch (call.Command)
        {
            case GetMountName:
                answer = request.Reply(new FuseIoctlOut(), Name());
                return true;
            case GetPathOffset:
                answer = request.Reply(new FuseIoctlOut(), (uint)Encoding.UTF8.GetByteCount(mountPoint));
                return true;
            case GetMagicNumber:
                answer = request.Reply(new FuseIoctlOut(), MagicNumber);
                return true;
            case GetVersion:
                answer = request.Reply(new FuseIoctlOut(), Version);
                return true;
            default:
                answer = default;
                return false;
        }
    }

    private MountName Name()
    {
        MountName name = default;
        var text = Encoding.UTF8.GetBytes(clusterId);
        text.AsSpan(0, Math.Min(text.Length, NameSize - 1)).CopyTo(MemoryMarshal.AsBytes(new Span<MountName>(ref name)));
        return name;
    }

    [StructLayout(LayoutKind.Sequential, Size = NameSize)]
    private struct MountName
    {
        public ulong First;
    }
}
