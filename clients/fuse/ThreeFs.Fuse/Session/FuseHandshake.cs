using ThreeFs.Base;
using ThreeFs.Fuse.Native;
using ThreeFs.Fuse.Protocol;

namespace ThreeFs.Fuse.Session;

/// <summary>
/// INIT: the first message, which settles version, sizes and features. Taken are those features that the kernel offers
/// and this list names.
/// </summary>
internal readonly record struct FuseHandshake(uint Minor, FuseInitFlags Features)
{
    /// <summary>
    /// Left out on purpose: write-back cache (other
    /// clients would not see writes), splice (slower here), POSIX ACLs. <see cref="FuseInitFlags.AutoInvalData"/> is
    /// what makes another client's write visible to a file that stays open: a changed modify time empties the page
    /// cache. At an open the data version decides.
    /// </summary>
    private const FuseInitFlags Wanted =
        FuseInitFlags.AsyncRead | FuseInitFlags.AtomicOTrunc | FuseInitFlags.ExportSupport | FuseInitFlags.BigWrites
        | FuseInitFlags.AutoInvalData | FuseInitFlags.DoReadDirPlus | FuseInitFlags.ReadDirPlusAuto
            | FuseInitFlags.AsyncDio
        | FuseInitFlags.ParallelDirOps | FuseInitFlags.MaxPages | FuseInitFlags.CacheSymlinks
            | FuseInitFlags.HandleKillPrivV2
        | FuseInitFlags.SetXattrExt | FuseInitFlags.HasIoctlDir | FuseInitFlags.InitExt
            | FuseInitFlags.DirectIoAllowMmap;

    private const FuseInitFlags Locks = FuseInitFlags.PosixLocks | FuseInitFlags.FlockLocks;

    private const FuseInitFlags Needed = FuseInitFlags.AtomicOTrunc | FuseInitFlags.BigWrites;

    /// <summary>The oldest minor with everything the structures here assume (Linux 4.20, max_pages).</summary>
    private const uint OldestMinor = 28;

    private const int PageSize = 4096;

    public static Result<FuseHandshake> Perform(FuseRequest request, FuseSessionOptions options)
    {
        nint length;
        do length = LibC.Read(request.Descriptor, request.ReceiveAddress, request.ReceiveCapacity);
        while (length < 0 && LibC.LastError is Errno.EINTR or Errno.EAGAIN or Errno.ENOENT);
        if (length < 0) return new Status(StatusCode.IoError, $"the kernel did not begin the mount: {LibC.LastError}");
        if (!request.Begin((int)length, 0) || request.Opcode != FuseOpcode.Init)
            return new Status(StatusCode.ProtocolError, $"the kernel began the mount with {request.Opcode}");

        var offer = request.Arguments<FuseInitIn>();
        var features = offer.AllFlags & (options.Locks ? Wanted | Locks : Wanted);
        if (offer.Major != FuseConstants.Major || offer.Minor < OldestMinor || (features & Needed) != Needed)
        {
            return new Status(StatusCode.NotSupported,
                $"the kernel speaks FUSE {offer.Major}.{offer.Minor} with features {offer.AllFlags}; "
                + $"needed is 7.{OldestMinor} with {Needed}");
        }

        var minor = Math.Min(offer.Minor, FuseConstants.Minor);
        return Answer(request, offer, features, minor, options);
    }

    private static unsafe Result<FuseHandshake> Answer(
        FuseRequest request, in FuseInitIn offer, FuseInitFlags features, uint minor, FuseSessionOptions options)
    {
        var address = request.Payload.Address;
        var size = sizeof(FuseOutHeader) + sizeof(FuseInitOut);
        *(FuseOutHeader*)address = new FuseOutHeader { Length = (uint)size, Unique = request.Unique };
        *(FuseInitOut*)(address + sizeof(FuseOutHeader)) = new FuseInitOut
        {
            Major = FuseConstants.Major,
            Minor = minor,
            MaxReadahead = Math.Min(offer.MaxReadahead, options.MaxReadahead),
            Flags = (uint)features,
            Flags2 = (uint)((ulong)features >> 32),
            MaxBackground = options.MaxBackground,
            CongestionThreshold = (ushort)(options.MaxBackground * 3 / 4),
            MaxWrite = (uint)options.MaxWrite,
            TimeGranularity = 1,
            MaxPages = (ushort)((options.MaxWrite + PageSize - 1) / PageSize),
        };
        if (LibC.Write(request.Descriptor, address, size) == size) return new FuseHandshake(minor, features);
        return new Status(StatusCode.IoError, $"the kernel refused the features {features}: {LibC.LastError}");
    }
}
