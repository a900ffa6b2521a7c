namespace ThreeFs.Kv;

/// <summary>
/// Atomic mutations; the numbers are FoundationDB's. In <see cref="Add"/> and <see cref="Max"/> the stored value is
/// first truncated or extended with zeros to the operand's length, and a missing one counts as zeros.
/// </summary>
public enum KvMutation : byte
{
    /// <summary>Adds two little-endian integers of the operand's length, wrapping around.</summary>
    Add = 2,

    /// <summary>Keeps the larger of two little-endian unsigned integers.</summary>
    Max = 12,

    /// <summary>Keeps the bytewise larger of the two; a missing value becomes the operand.</summary>
    ByteMax = 17,
}
