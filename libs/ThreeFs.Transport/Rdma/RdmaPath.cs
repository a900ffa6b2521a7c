using System.Globalization;
using System.Net;
using System.Net.NetworkInformation;
using System.Runtime.InteropServices;
using ThreeFs.Transport.Rdma.Verbs;

namespace ThreeFs.Transport.Rdma;

/// <summary>
/// The adapter, port and address that belong to one IP address of this host. Nobody names them: the kernel's route to the
/// peer gives a TCP connection its local address, and the adapter behind that address is the right one.
/// </summary>
internal sealed record RdmaPath(RdmaDevice Device, byte Port, IbGid Gid, int GidIndex, ushort Lid, IbMtu Mtu, bool IsGlobal)
{
    /// <summary>
    /// On Ethernet the address itself is in the table (RoCE v2); on InfiniBand the adapter is the one whose interface
    /// carries the IP address. Null when no adapter's.
    /// </summary>
    public static RdmaPath? Find(RdmaDevice[] devices, IPAddress local)
    {
        if (devices.Length == 0) return null;
        var wanted = ToGid(local);
        foreach (var device in devices)
        {
            foreach (var entry in device.Gids())
            {
                if (entry.Type != IbGidType.RoceV2 || !entry.Gid.Equals(wanted)) continue;
                if (!device.TryPort((int)entry.Port, out var port)) continue;
                return new RdmaPath(device, (byte)entry.Port, entry.Gid, (int)entry.Index, port.Lid, port.ActiveMtu, IsGlobal: true);
            }
        }

        return FindInfiniBand(devices, local);
    }

    private static RdmaPath? FindInfiniBand(RdmaDevice[] devices, IPAddress local)
    {
        if (InterfaceOf(local) is not { } name) return null;
        foreach (var device in devices)
        {
            if (!Directory.Exists($"/sys/class/net/{name}/device/infiniband/{device.Name}")) continue;
            var number = PortOf(name);
            if (!device.TryPort(number, out var port) || port.LinkLayer != IbLinkLayer.InfiniBand) continue;
            foreach (var entry in device.Gids())
            {
                if (entry.Port == number && entry.Index == 0)
                    return new RdmaPath(device, (byte)number, entry.Gid, 0, port.Lid, port.ActiveMtu, IsGlobal: false);
            }
        }

        return null;
    }

    private static string? InterfaceOf(IPAddress local)
    {
        foreach (var candidate in NetworkInterface.GetAllNetworkInterfaces())
        {
            foreach (var address in candidate.GetIPProperties().UnicastAddresses)
            {
                if (address.Address.Equals(local)) return candidate.Name;
            }
        }

        return null;
    }

    /// <summary>Interfaces of an adapter count its ports from 0, verbs from 1.</summary>
    private static int PortOf(string name)
    {
        try
        {
            return int.Parse(File.ReadAllText($"/sys/class/net/{name}/dev_port"), CultureInfo.InvariantCulture) + 1;
        }
        catch (Exception e) when (e is IOException or FormatException or UnauthorizedAccessException)
        {
            return 1;
        }
    }

    public static IbGid ToGid(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.MapToIPv6().TryWriteBytes(bytes, out _);
        return MemoryMarshal.Read<IbGid>(bytes);
    }

    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[16];
        MemoryMarshal.Write(bytes, Gid);
        return $"{Device} port {Port} {new IPAddress(bytes)}";
    }
}
