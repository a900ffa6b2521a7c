using ThreeFs.Base;
using ThreeFs.Contracts.Meta;

namespace ThreeFs.Fuse.Tables;

/// <summary>A name in a directory.</summary>
internal sealed record EntryName(InodeId Parent, FileName Name);
