using ThreeFs.Base;

namespace ThreeFs.Fuse.Tables;

/// <summary>
/// The session with which a mount keeps a file's content alive for its readers, once for all of them: registered when
/// one has the file open for a while or its last name goes, ended with the last open file. The lock is held across the
/// call that registers or ends it.
/// </summary>
internal sealed class KeepOpenSession
{
    public SemaphoreSlim Lock { get; } = new(1, 1);

    /// <summary>Null while not registered.</summary>
    public SessionId? Registered { get; set; }
}
