using ThreeFs.Base;
using ThreeFs.Sim.Checks.Files;
using ThreeFs.Sim.Checks.Names;
using ThreeFs.Sim.Nodes;
using ThreeFs.Sim.World;

namespace ThreeFs.Sim.Workloads;

/// <summary>What the actors of a run share: the directories they meet in and what everybody did to names and contents.</summary>
internal sealed class FileRecords(SimCluster cluster)
{
    private readonly SortedDictionary<ulong, FileHistory> _files = [];
    private ulong _patterns;

    public SimCluster Cluster => cluster;

    public List<NameHistory> Names { get; } = [];

    public IEnumerable<FileHistory> Files => _files.Values;

    /// <summary>The latest beginning of an fsync that succeeded: every change of names answered before survives.</summary>
    public long NamesDurable { get; set; }

    public long Now => cluster.World.Now;

    public ulong NextPattern() => ++_patterns * 0x1000;

    /// <summary>For the timeline, when the inode is watched.</summary>
    public void Note(string who, InodeId inode, string what)
    {
        if (cluster.Watched == inode) cluster.World.Timeline.Write(who, what);
    }

    public FileHistory Of(InodeId inode)
    {
        if (!_files.TryGetValue(inode.Value, out var file)) _files.Add(inode.Value, file = new FileHistory(inode, SimCluster.FileChunkSize));
        return file;
    }
}

/// <summary>
/// Clients that work with files through the client library: they make, find, link, move and remove names in a few directories, and
/// write, append, cut, read and sync what they have open, several at the same time on the same files.
/// </summary>
internal sealed class FileWorkload(SimCluster cluster)
{
    private const int Arenas = 2;

    private readonly List<(ClientNode Client, Task<bool> Running)> _running = [];
    private bool _isStopping;

    public FileRecords Records { get; } = new(cluster);

    public bool IsDone => _running.All(r => r.Running.IsCompleted || r.Client.Process.IsDead);

    /// <summary>Makes the directories that everybody works in.</summary>
    public async Task<bool> SetUpAsync(ClientNode client)
    {
        for (var i = 0; i < Arenas; i++)
        {
            var made = await client.Files.Meta.MakeNodeAsync(
                client.Files.Context(Contracts.Meta.UserInfo.Root), InodeId.Root, Contracts.Meta.FileName.FromText($"arena-{i}"),
                new Contracts.Meta.NewInode(Contracts.Meta.InodeType.Directory, 0b111_111_111), default);
            if (!made.TryGet(out var attr)) throw new SimFailure($"a directory cannot be made: {made.Status}");
            Records.Names.Add(new NameHistory(attr.Id));
        }

        return true;
    }

    public void Start(ClientNode client)
    {
        for (var i = 0; i < 2; i++)
        {
            var actor = new FileActor(client, Records, Records.Names[i % Arenas], () => _isStopping);
            _running.Add((client, client.Process.Start(() => GuardAsync(actor))));
        }
    }

    public void Stop() => _isStopping = true;

    /// <summary>What a client meets fails the run at once.</summary>
    private async Task<bool> GuardAsync(FileActor actor)
    {
        try
        {
            return await actor.RunAsync();
        }
        catch (Exception e)
        {
            cluster.World.Fail(e as SimFailure ?? new SimFailure($"a client broke: {e}", e));
            return false;
        }
    }
}
