using ThreeFs.Contracts.Meta;
using ThreeFs.Fuse.Protocol;

namespace ThreeFs.Fuse.Session;

/// <summary>
/// Answers of GETXATTR and LISTXATTR: the length when size is 0, ERANGE when it is too small, else the bytes.
/// </summary>
internal static class XattrReply
{
    public static Errno Send(FuseRequest request, ReadOnlySpan<byte> value, uint size)
    {
        if (size == 0) return request.Reply(new FuseGetXattrOut { Size = (uint)value.Length });
        return value.Length > size ? Errno.ERANGE : request.Reply(value);
    }

    public static Errno SendNames(FuseRequest request, IEnumerable<FileName> names, uint size)
    {
        var bytes = new List<byte>();
        foreach (var name in names)
        {
            bytes.AddRange(name.Span);
            bytes.Add(0);
        }

        return Send(request, bytes.ToArray(), size);
    }
}
