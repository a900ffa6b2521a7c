namespace ThreeFs.Fuse.Tables;

/// <summary>
/// Brackets a change of a name in a directory: a listing whose page was read before or during it must not tell the
/// kernel what its names led to, because the kernel would believe that over what it has just been told.
/// </summary>
internal readonly struct NameChange : IDisposable
{
    private readonly InodeState? _directory;

    private NameChange(InodeState? directory) => _directory = directory;

    public static NameChange In(InodeState? directory)
    {
        directory?.NameChanged();
        return new NameChange(directory);
    }

    public void Dispose() => _directory?.NameChanged();
}
