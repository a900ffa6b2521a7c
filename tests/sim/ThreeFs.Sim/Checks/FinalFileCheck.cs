using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Sim.Checks.Files;
using ThreeFs.Sim.Checks.Names;
using ThreeFs.Sim.Nodes;
using ThreeFs.Sim.Workloads;
using ThreeFs.Sim.World;

namespace ThreeFs.Sim.Checks;

/// <summary>
/// When all is quiet: a new client lists every directory and reads every file from its beginning to its end. Names must be what some
/// order of the operations leaves, contents and lengths what the writes permit.
/// </summary>
/// <param name="lostPower">Everything lost power: only what was synced is sure to be there.</param>
internal sealed class FinalFileCheck(ClientNode client, FileRecords records, bool lostPower)
{
    private const int Piece = 1 << 17;

    /// <summary>Everything that has a name, and the directories where names are made.</summary>
    public Dictionary<InodeId, InodeAttr> Named { get; } = [];

    public async Task<bool> RunAsync()
    {
        foreach (var names in records.Names)
        {
            var listings = new List<NameOp>();
            var root = await client.Files.GetAttrAsync(UserInfo.Root, names.Root);
            Named.Add(names.Root, root.Value);
            await ListAsync(names.Root, listings);
            if (!names.Check(lostPower ? records.NamesDurable : null, [.. listings]))
                records.Cluster.World.Timeline.Probe("names: too many orders to try");
        }

        return true;
    }

    private async Task ListAsync(InodeId directory, List<NameOp> listings)
    {
        var page = await client.Files.Meta.ReadDirectoryAsync(
            client.Files.Context(UserInfo.Root), directory, null, 1000, withAttr: true, default);
        if (!page.TryGet(out var found)) throw new SimFailure($"directory {directory} cannot be listed in the end: {page.Status}");
        listings.Add(new NameOp
        {
            Kind = NameKind.List, Who = client.Name, Parent = directory, Began = records.Now, Ended = records.Now,
            Listing = [.. found.Entries.Select(e => (e.Name.ToString(), e.Inode))],
        });
        foreach (var entry in found.Entries)
        {
            if (entry.Attr is not { } attr) throw new SimFailure($"{directory}/{entry.Name} leads to inode {entry.Inode}, which does not exist");
            if (!Named.TryAdd(attr.Id, attr)) continue;
            if (attr.Type == InodeType.Directory) await ListAsync(attr.Id, listings);
            else await ReadAsync(attr);
        }
    }

    private async Task ReadAsync(InodeAttr attr)
    {
        var history = records.Of(attr.Id);
        var began = records.Now;
        var opened = await client.Files.OpenAsync(UserInfo.Root, attr.Id, OpenFlags.Read);
        if (!opened.TryGet(out var file)) throw new SimFailure($"inode {attr.Id} cannot be opened in the end: {opened.Status}");
        if (lostPower) history.CheckLengthAfterPowerLoss(file.Length);
        else history.CheckFinalLength(file.Length, began);
        var content = new byte[file.Length];
        using var lease = client.Memory.TryRent(Piece)!;
        for (var done = 0; done < content.Length;)
        {
            var read = await file.ReadAsync(done, lease.Memory);
            if (!read.TryGet(out var got) || got == 0)
                throw new SimFailure($"inode {attr.Id} cannot be read at {done} of {content.Length} in the end: {read.Status}");
            lease.Memory.Span[..got].CopyTo(content.AsSpan(done));
            done += got;
        }

        if (lostPower) history.CheckAfterPowerLoss(content);
        else history.CheckRead("in the end", 0, content, began, records.Now);
        await file.CloseAsync();
    }
}
