using ThreeFs.Contracts.Meta;
using ThreeFs.Kv;

namespace ThreeFs.Meta.Records;

/// <summary>
/// What changes in a directory with every entry made or removed, kept in two keys that only atomic mutations touch: creating
/// entries in one directory neither reads nor rewrites anything they would conflict on.
/// <list type="bullet">
/// <item><b>Entry change time</b> (max): when it exists it <i>is</i> the modification time, because setting the modification time by hand
/// clears it; the change time is the later one of it and the record's.</item>
/// <item><b>Subdirectories</b> (add): the link count is 2 more.</item>
/// </list>
/// </summary>
internal static class DirectoryCounters
{
    public static InodeAttr Apply(InodeAttr directory, KvValue entryChange, KvValue subdirectories)
    {
        var links = 2 + (uint)subdirectories.ReadCounter();
        if (!entryChange.Exists) return directory with { LinkCount = links };
        var changed = new FileTime((long)entryChange.ReadCounter());
        return directory with
        {
            LinkCount = links,
            ModifyTime = changed,
            ChangeTime = changed.CompareTo(directory.ChangeTime) > 0 ? changed : directory.ChangeTime,
        };
    }
}
