using System.Runtime.InteropServices;

namespace ThreeFs.Transport.Rdma.Verbs;

/// <summary>
/// The exported functions of libibverbs (package libibverbs1, loaded when first called). What the header defines inline
/// is called through the context's table of functions: <see cref="IbContext"/>. Functions that answer a pointer set
/// errno; the others answer the error number.
/// </summary>
internal static unsafe partial class IbVerbs
{
    private const string Library = "libibverbs.so.1";

    /// <summary>
    /// Null with ENOSYS on a kernel without the subsystem, an empty list without a device.
    /// </summary>
    [LibraryImport(Library, EntryPoint = "ibv_get_device_list", SetLastError = true)]
    public static partial nint* GetDeviceList(out int count);

    [LibraryImport(Library, EntryPoint = "ibv_free_device_list")]
    public static partial void FreeDeviceList(nint* list);

    [LibraryImport(Library, EntryPoint = "ibv_get_device_name")]
    public static partial byte* GetDeviceName(nint device);

    [LibraryImport(Library, EntryPoint = "ibv_open_device", SetLastError = true)]
    public static partial IbContext* OpenDevice(nint device);

    [LibraryImport(Library, EntryPoint = "ibv_close_device")]
    public static partial int CloseDevice(IbContext* context);

    [LibraryImport(Library, EntryPoint = "ibv_query_device")]
    public static partial int QueryDevice(IbContext* context, IbDeviceAttributes* attributes);

    [LibraryImport(Library, EntryPoint = "ibv_query_port")]
    public static partial int QueryPort(IbContext* context, byte port, IbPortAttributes* attributes);

    /// <summary>Entries filled, or the negative error number.</summary>
    [LibraryImport(Library, EntryPoint = "_ibv_query_gid_table")]
    public static partial nint QueryGidTable(IbContext* context, IbGidEntry* entries, nuint most, uint flags, nuint entrySize);

    [LibraryImport(Library, EntryPoint = "ibv_alloc_pd", SetLastError = true)]
    public static partial IbPd* AllocatePd(IbContext* context);

    [LibraryImport(Library, EntryPoint = "ibv_dealloc_pd")]
    public static partial int FreePd(IbPd* pd);

    [LibraryImport(Library, EntryPoint = "ibv_reg_mr", SetLastError = true)]
    public static partial IbMr* RegisterMr(IbPd* pd, nint address, nuint length, IbAccess access);

    [LibraryImport(Library, EntryPoint = "ibv_dereg_mr")]
    public static partial int DeregisterMr(IbMr* mr);

    [LibraryImport(Library, EntryPoint = "ibv_create_comp_channel", SetLastError = true)]
    public static partial IbCompletionChannel* CreateChannel(IbContext* context);

    [LibraryImport(Library, EntryPoint = "ibv_destroy_comp_channel")]
    public static partial int DestroyChannel(IbCompletionChannel* channel);

    [LibraryImport(Library, EntryPoint = "ibv_create_cq", SetLastError = true)]
    public static partial IbCq* CreateCq(IbContext* context, int entries, nint user, IbCompletionChannel* channel, int vector);

    /// <summary>Waits for ever when an event of the queue was taken and not acknowledged.</summary>
    [LibraryImport(Library, EntryPoint = "ibv_destroy_cq")]
    public static partial int DestroyCq(IbCq* cq);

    /// <summary>0, or −1 when the channel's number does not block and no event is there.</summary>
    [LibraryImport(Library, EntryPoint = "ibv_get_cq_event", SetLastError = true)]
    public static partial int GetCqEvent(IbCompletionChannel* channel, IbCq** cq, nint* user);

    [LibraryImport(Library, EntryPoint = "ibv_ack_cq_events")]
    public static partial void AcknowledgeCqEvents(IbCq* cq, uint count);

    [LibraryImport(Library, EntryPoint = "ibv_create_qp", SetLastError = true)]
    public static partial IbQp* CreateQp(IbPd* pd, IbQpInitAttributes* attributes);

    [LibraryImport(Library, EntryPoint = "ibv_modify_qp")]
    public static partial int ModifyQp(IbQp* qp, IbQpAttributes* attributes, IbQpMask mask);

    /// <summary>When it has returned, the device touches no memory for this queue pair any more.</summary>
    [LibraryImport(Library, EntryPoint = "ibv_destroy_qp")]
    public static partial int DestroyQp(IbQp* qp);
}
