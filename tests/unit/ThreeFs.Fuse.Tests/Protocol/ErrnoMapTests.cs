using ThreeFs.Base;
using ThreeFs.Fuse.Protocol;

namespace ThreeFs.Fuse.Tests.Protocol;

public sealed class ErrnoMapTests
{
    /// <summary>Every code of the registry: one that is added must be decided on here.</summary>
    private const string Table =
        """
        Ok=Ok InvalidArgument=EINVAL NotImplemented=EOPNOTSUPP Corruption=EIO Cancelled=EINTR Overloaded=EIO
        Unavailable=EIO IoError=EIO UnknownFormatVersion=EIO ClusterMismatch=EIO Internal=EIO TxConflict=EIO
        TxTooOld=EIO TxMaybeCommitted=EIO TxThrottled=EIO TxUnreachable=EIO TxTooLarge=EIO ConnectFailed=EIO
        ConnectionLost=EIO DeadlineExceeded=EIO ProtocolError=EIO NotFound=ENOENT AlreadyExists=EEXIST
        NotDirectory=ENOTDIR IsDirectory=EISDIR NotEmpty=ENOTEMPTY TooManySymlinks=ELOOP AccessDenied=EACCES
        NotPermitted=EPERM NameTooLong=ENAMETOOLONG TooManyLinks=EMLINK FileTooLarge=EFBIG StaleHandle=ESTALE
        CrossDevice=EXDEV NotASymlink=EINVAL InvalidLayout=EINVAL ReadOnlyFileSystem=EROFS NoSuchAttribute=ENODATA
        Busy=EBUSY NotSupported=EOPNOTSUPP MoreToDo=EAGAIN TooManyLocks=ENOLCK
        ChunkNotFound=EIO ChunkNotCommitted=EIO
        UpdateAlreadyCommitted=EIO UpdateStale=EIO UpdateMissing=EIO ChainVersionMismatch=EIO TargetNotFound=EIO
        TargetNotServing=EIO NotHead=EIO ChecksumMismatch=EIO NoSpace=ENOSPC ChannelSequenceStale=EIO
        UpdateInProgress=EIO ForwardFailed=EIO ForeignDisk=EIO ChunkSizeMismatch=EIO CutOvertaken=EIO NotPrimary=EIO NodeNotFound=EIO
        NodeExists=EIO NodeDisabled=EIO HeartbeatStale=EIO ChainNotFound=EIO ChainTableNotFound=EIO TargetExists=EIO
        VersionFromFuture=EIO NoServingTarget=EIO RoutingNotReady=EIO HeartbeatOutlived=EIO
        """;

    [Fact]
    public void Every_code_has_its_error_number()
    {
        var expected = Table.Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal);
        var actual = Enum.GetValues<StatusCode>().Select(c => $"{c}={ErrnoMap.Of(c)}").Order(StringComparer.Ordinal);
        Assert.Equal(expected, actual);
    }
}
