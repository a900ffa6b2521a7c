namespace ThreeFs.Storage.Recovery;

/// <summary>What the scrubber of a target does and has found.</summary>
/// <param name="IsRunning">A pass is under way.</param>
/// <param name="Chunks">Chunks read to their end in this pass, or in the last one.</param>
/// <param name="Bytes">Bytes read in it.</param>
/// <param name="Damaged">Chunks of it that did not have their checksum or could not be read.</param>
/// <param name="Passes">Passes completed since the target was opened.</param>
public readonly record struct ScrubProgress(bool IsRunning, long Chunks, long Bytes, long Damaged, long Passes);
