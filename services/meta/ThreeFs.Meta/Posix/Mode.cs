namespace ThreeFs.Meta.Posix;

/// <summary>Permission bits by name.</summary>
internal static class Mode
{
    public const uint SetUid = 0x800;
    public const uint SetGid = 0x400;
    public const uint Sticky = 0x200;
    public const uint GroupExecute = 0x8;
    public const uint AnyExecute = 0x49;

    /// <summary>07777.</summary>
    public const uint All = 0xFFF;
}
