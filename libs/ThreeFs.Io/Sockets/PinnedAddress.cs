using System.Net;
using System.Runtime.InteropServices;

namespace ThreeFs.Io.Sockets;

/// <summary>
/// A socket address in the kernel's form, at an address that does not move while this object is reachable.
/// </summary>
internal sealed class PinnedAddress
{
    private readonly byte[] _bytes;

    public PinnedAddress(IPEndPoint endpoint)
    {
        var address = endpoint.Serialize();
        _bytes = GC.AllocateArray<byte>(address.Size, pinned: true);
        address.Buffer.Span[..address.Size].CopyTo(_bytes);
    }

    /// <summary>Room for the kernel to write an address into.</summary>
    public PinnedAddress() => _bytes = GC.AllocateArray<byte>(128, pinned: true);

    public nint Address => Marshal.UnsafeAddrOfPinnedArrayElement(_bytes, 0);

    public int Length => _bytes.Length;

    public IPEndPoint ToEndPoint(int length)
    {
        var family = (System.Net.Sockets.AddressFamily)(_bytes[0] == 10
            ? (int)System.Net.Sockets.AddressFamily.InterNetworkV6
            : (int)System.Net.Sockets.AddressFamily.InterNetwork);
        var address = new SocketAddress(family, length);
        _bytes.AsSpan(0, length).CopyTo(address.Buffer.Span);
        return (IPEndPoint)new IPEndPoint(0, 0).Create(address);
    }
}
