namespace ThreeFs.Meta.Posix;

/// <summary>The bounds that applications meet as errno.</summary>
internal static class PosixLimits
{
    public const int MaxPath = 4096;
    public const int MaxSymlinkTarget = 4095;
    public const int MaxSymlinksFollowed = 40;
    public const uint MaxLinks = 65_000;
    public const int MaxXattrName = 255;
    public const int MaxXattrValue = 65_536;

    /// <summary>Names of all attributes of an inode, with a NUL each: what listxattr(2) can return.</summary>
    public const int MaxXattrNames = 65_536;

    public const long MaxFileLength = 1L << 60;
}
