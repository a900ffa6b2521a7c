using System.Runtime.InteropServices;
using ThreeFs.Base;
using ThreeFs.Transport.Rdma.Verbs;

namespace ThreeFs.Transport.Rdma;

/// <summary>What a peer may do with memory that is registered in a domain.</summary>
internal enum RdmaDomain
{
    /// <summary>Peers may read and write what they were told the key of: memory of calls.</summary>
    Calls = 0,

    /// <summary>Only this end moves data to and from it: memory of a server.</summary>
    Service = 1,
}

/// <summary>
/// One adapter, opened for the life of the process. It has two protection domains, so that a client that guesses keys
/// cannot reach memory which the process, itself a client of others, has opened to those.
/// </summary>
internal sealed unsafe class RdmaDevice
{
    /// <summary>What the kernel can be asked for at once: 64 KiB, of which only used entries come back.</summary>
    private const uint MostGids = 2047;

    private static readonly Lazy<RdmaDevice[]> _all = new(OpenAll);

    private readonly nint[] _domains = new nint[2];

    private RdmaDevice(IbContext* context, string name, int index)
    {
        Context = context;
        Name = name;
        Index = index;
    }

    public IbContext* Context { get; }

    public string Name { get; }

    /// <summary>Its place among the devices of the process.</summary>
    public int Index { get; }

    public int MaxSge { get; private set; }

    public int MaxReadsOut { get; private set; }

    public int MaxReadsIn { get; private set; }

    public int Ports { get; private set; }

    public IbPd* Domain(RdmaDomain domain) => (IbPd*)_domains[(int)domain];

    /// <summary>
    /// Every adapter that can be opened when first asked for; none without the library, the kernel's subsystem or hardware.
    /// </summary>
    public static RdmaDevice[] All => _all.Value;

    private static RdmaDevice[] OpenAll()
    {
        var opened = new List<RdmaDevice>();
        nint* list;
        int count;
        try
        {
            list = IbVerbs.GetDeviceList(out count);
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException)
        {
            return [];
        }

        if (list == null) return [];
        for (var i = 0; i < count; i++)
        {
            if (TryOpen(list[i], opened.Count) is { } device) opened.Add(device);
        }

        IbVerbs.FreeDeviceList(list);
        return [.. opened];
    }

    private static RdmaDevice? TryOpen(nint entry, int index)
    {
        var name = Marshal.PtrToStringUTF8((nint)IbVerbs.GetDeviceName(entry))!;
        var context = IbVerbs.OpenDevice(entry);
        if (context == null) return null;
        var device = new RdmaDevice(context, name, index);
        IbDeviceAttributes attributes;
        var isUsable = IbVerbs.QueryDevice(context, &attributes) == 0;
        for (var i = 0; isUsable && i < device._domains.Length; i++)
        {
            device._domains[i] = (nint)IbVerbs.AllocatePd(context);
            isUsable = device._domains[i] != 0;
        }

        if (!isUsable)
        {
            foreach (var domain in device._domains)
            {
                if (domain != 0) IbVerbs.FreePd((IbPd*)domain);
            }

            IbVerbs.CloseDevice(context);
            return null;
        }

        device.MaxSge = Math.Clamp(attributes.MaxSge, 1, 16);
        device.MaxReadsOut = Math.Clamp(attributes.MaxQpReadsOut, 1, 16);
        device.MaxReadsIn = Math.Clamp(attributes.MaxQpReads, 1, 16);
        device.Ports = attributes.Ports;
        return device;
    }

    /// <summary>False for a port that is down or cannot be asked.</summary>
    public bool TryPort(int port, out IbPortAttributes attributes)
    {
        IbPortAttributes found;
        new Span<byte>(&found, sizeof(IbPortAttributes)).Clear();
        var code = IbVerbs.QueryPort(Context, (byte)port, &found);
        attributes = found;
        return code == 0 && found.State == IbPortState.Active;
    }

    /// <summary>The addresses of all ports now; they change with those of the network interfaces.</summary>
    public IbGidEntry[] Gids()
    {
        var entries = new IbGidEntry[MostGids];
        fixed (IbGidEntry* first = entries)
        {
            var count = IbVerbs.QueryGidTable(Context, first, MostGids, 0, (nuint)sizeof(IbGidEntry));
            return count <= 0 ? [] : entries[..(int)count];
        }
    }

    public override string ToString() => Name;
}
