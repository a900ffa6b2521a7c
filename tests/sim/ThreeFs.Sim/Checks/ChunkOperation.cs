using ThreeFs.Base;
using ThreeFs.Contracts.Storage;

namespace ThreeFs.Sim.Checks;

/// <summary>One update or read of a chunk, with what was answered.</summary>
internal sealed class ChunkOperation
{
    public required ChunkId Chunk { get; init; }
    public required string Who { get; init; }

    /// <summary>Null: a read.</summary>
    public UpdateKind? Kind { get; init; }

    /// <summary>Writes: where; cuts and extensions: the length.</summary>
    public uint Offset { get; init; }
    public byte[] Payload { get; init; } = [];
    public required long Began { get; init; }

    /// <summary>Never, when it was not answered: it may still happen.</summary>
    public long Ended { get; set; } = long.MaxValue;

    /// <summary>What was made or read; 0: there is no chunk, or nobody knows.</summary>
    public ulong Version { get; set; }
    public uint Crc { get; set; }

    public bool IsRead => Kind is null;

    public bool IsKnown => Ended != long.MaxValue;

    public override string ToString() => $"{Kind?.ToString() ?? "Read"} by {Who} of {Chunk}"
        + $"{(Kind is null or UpdateKind.Remove ? "" : $" at {Offset}, {Payload.Length} B,")} version {Version} crc {Crc:x8} "
        + $"from {Began / 1e7:0.0000} to {(IsKnown ? $"{Ended / 1e7:0.0000}" : "-")}";
}
