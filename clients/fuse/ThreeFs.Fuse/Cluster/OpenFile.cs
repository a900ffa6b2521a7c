using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Fuse.Native;
using ThreeFs.Fuse.Tables;

namespace ThreeFs.Fuse.Cluster;

/// <summary>One open file description of an application.</summary>
/// <param name="Session">Registered at the metadata service; null for a file open for reading only.</param>
/// <param name="User">Who opened it: reports of what is written are made in this name.</param>
/// <param name="OpenedAt">Timestamp.</param>
/// <param name="OnlyAppends">
/// Opened with O_APPEND: the session says that every write's place is reserved. (fcntl(2) may take the flag away later.)
/// </param>
/// <param name="IsDirect">The kernel keeps no pages of what goes through it.</param>
/// <param name="Access">O_RDONLY, O_WRONLY or O_RDWR.</param>
internal sealed record OpenFile(InodeState Inode, IFileContent Content, SessionId? Session, MetaContext User,
    long OpenedAt, bool OnlyAppends, bool IsDirect, int Access)
{
    /// <summary>For operations at places that their caller chooses.</summary>
    public bool MayUse(bool forRead) => forRead ? Access != LibC.O_WRONLY : Access != LibC.O_RDONLY && !OnlyAppends;
}
