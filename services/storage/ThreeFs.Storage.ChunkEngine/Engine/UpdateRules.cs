using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Contracts.Storage;
using ThreeFs.Storage.ChunkEngine.Chunks;
using ThreeFs.Storage.ChunkEngine.Device;

namespace ThreeFs.Storage.ChunkEngine.Engine;

/// <summary>Which updates are taken. Pure.</summary>
internal static class UpdateRules
{
    public static StatusCode CheckShape(in ChunkUpdate u, IoSlices payload)
    {
        if (u.ChunkSize is 0 or > BlockClass.MaxBytes) return StatusCode.InvalidArgument;
        switch (u.Kind)
        {
            case UpdateKind.Write:
                if (u.Length == 0 || (long)u.Offset + u.Length > u.ChunkSize) return StatusCode.InvalidArgument;
                break;
            case UpdateKind.Replace:
                if (u.Length > u.ChunkSize || u.Version.Value == 0) return StatusCode.InvalidArgument;
                break;
            case UpdateKind.Truncate or UpdateKind.Extend:
                if (u.Length > u.ChunkSize) return StatusCode.InvalidArgument;
                break;
            case UpdateKind.Remove:
                break;
            default:
                return StatusCode.InvalidArgument;
        }

        var hasPayload = u.Kind is UpdateKind.Write or UpdateKind.Replace;
        return payload.TotalLength == (hasPayload ? u.Length : 0) ? StatusCode.Ok : StatusCode.InvalidArgument;
    }

    /// <summary>
    /// The version that the update makes, or why it makes none. A replacement has any version it says; every other update
    /// follows the committed content, and a repetition of the pending one is told apart by version and tag.
    /// </summary>
    public static StatusCode CheckVersion(ChunkRecord record, in ChunkUpdate u, out UpdateVersion version, out bool isRepeated)
    {
        var committed = record.Committed.Version;
        version = u.Version.Value == 0 ? committed.Next : u.Version;
        isRepeated = record.Pending is { } pending && pending.State.Version == version && pending.State.Tag == u.Tag
            && pending.State.IsRemove == (u.Kind == UpdateKind.Remove) && !u.SupersedePending;
        if (isRepeated) return StatusCode.Ok;
        if (u.Kind != UpdateKind.Replace)
        {
            if (version <= committed) return StatusCode.UpdateAlreadyCommitted;
            if (version > committed.Next) return StatusCode.UpdateMissing;
        }

        if (record.Pending is not null && !u.SupersedePending) return StatusCode.UpdateInProgress;
        return u.Kind == UpdateKind.Remove && !record.Committed.Exists ? StatusCode.ChunkNotFound : StatusCode.Ok;
    }
}
