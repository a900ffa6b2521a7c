using ThreeFs.Base;
using ThreeFs.Storage.ChunkEngine.Chunks;

namespace ThreeFs.Storage.ChunkEngine.Engine;

/// <summary>The checksum of the whole content after an update, from its units' checksums, without reading a byte.</summary>
internal static class ContentChecksum
{
    /// <summary>Bytes were covered, or nothing changed.</summary>
    public static uint AfterCover(UpdateJob job)
    {
        var whole = job.HasOld ? job.Record.Committed.Crc : 0;
        if (job.CoversNothing) return whole;
        var before = new RunningCrc();
        var after = new RunningCrc();
        for (var unit = job.FirstUnit; unit < job.FirstUnit + job.UnitCount; unit++)
        {
            var old = Units.BytesOf(unit, job.OldLength);
            if (old > 0) before.Add(job.Record.Crcs![unit], old);
            after.Add(job.Delta.Crcs![unit - job.Delta.CrcStart], Units.BytesOf(unit, job.NewLength));
        }

        // whole = shift(prefix, before.Length) ^ before when the covered units end the old content.
        var end = (long)(job.FirstUnit + job.UnitCount) << Units.Shift;
        return end >= job.OldLength
            ? Crc32C.Combine(whole ^ before.Value, after.Value, after.Length - before.Length)
            : Crc32C.Replace(whole, before.Value, after.Value, job.OldLength - end);
    }

    /// <summary>The content lost its end.</summary>
    public static uint AfterCut(UpdateJob job)
    {
        var whole = new RunningCrc();
        for (var unit = 0; unit < Units.Count(job.NewLength); unit++)
        {
            var delta = job.Delta;
            var isNew = unit >= delta.CrcStart && unit < delta.CrcStart + delta.CrcCount;
            whole.Add(isNew ? delta.Crcs![unit - delta.CrcStart] : job.Record.Crcs![unit], Units.BytesOf(unit, job.NewLength));
        }

        return whole.Value;
    }
}
