using ThreeFs.Base;
using ThreeFs.Contracts.Meta;

namespace ThreeFs.Sim.Checks.Names;

internal enum NameKind
{
    Create,
    MakeDirectory,
    Lookup,
    List,
    Unlink,
    RemoveDirectory,
    Rename,
    Link,
}

/// <summary>One operation on names, with what was answered.</summary>
internal sealed class NameOp
{
    public required NameKind Kind { get; init; }
    public required string Who { get; init; }
    public required InodeId Parent { get; init; }
    public string Name { get; init; } = "";

    /// <summary>Rename: where to.</summary>
    public InodeId NewParent { get; init; }
    public string NewName { get; init; } = "";
    public RenameFlags Flags { get; init; }

    /// <summary>Create: an existing file is refused.</summary>
    public bool IsExclusive { get; init; }

    /// <summary>Link: what gets another name.</summary>
    public InodeId Target { get; init; }

    public required long Began { get; init; }

    /// <summary>When the answer was there; never, when the client died before: then nobody knows whether it happened.</summary>
    public long Ended { get; set; } = long.MaxValue;

    public StatusCode Code { get; set; }

    /// <summary>The inode that was made, found, removed or moved.</summary>
    public InodeId Inode { get; set; }

    /// <summary>Create: it was made by this call.</summary>
    public bool Created { get; set; }

    /// <summary>Rename: what had the new name before; 0: nothing.</summary>
    public InodeId Replaced { get; set; }

    public (string Name, InodeId Inode)[] Listing { get; set; } = [];

    public bool IsKnown => Ended != long.MaxValue;

    public bool IsRead => Kind is NameKind.Lookup or NameKind.List;

    public override string ToString()
    {
        var to = Kind == NameKind.Rename ? $" to {NewParent}/{NewName} {Flags}" : Kind == NameKind.Link ? $" to {Target}" : "";
        var answer = !IsKnown ? "unknown"
            : Code != StatusCode.Ok ? Code.ToString()
            : Kind == NameKind.List ? string.Join(' ', Listing.Select(e => $"{e.Name}={e.Inode}"))
            : $"{Inode}{(Created ? " made" : "")}{(Replaced.Value != 0 ? $" replacing {Replaced}" : "")}";
        var end = IsKnown ? $"{Ended / 1e7:0.0000}" : "-";
        return $"{Who} {Kind}{(IsExclusive ? " exclusively" : "")} {Parent}/{Name}{to}: {answer} ({Began / 1e7:0.0000} to {end})";
    }
}
