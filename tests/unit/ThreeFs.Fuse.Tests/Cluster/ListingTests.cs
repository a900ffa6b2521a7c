using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Fuse.Tests.Support;

namespace ThreeFs.Fuse.Tests.Cluster;

/// <summary>Listings of directories that are larger than what a mount keeps of them, while names come and go.</summary>
public sealed class ListingTests
{
    private const int Count = 5000;

    [Fact]
    public async Task Every_name_once_and_little_is_kept()
    {
        var (_, mount) = await FilledAsync();
        await using var a = mount;
        using var listing = new Listing(a.Mount.Root);
        var most = 0;
        var names = new List<string>();
        while (listing.Next() is { } name)
        {
            names.Add(name);
            most = Math.Max(most, a.Context.Directories.Find(1)!.KeptEntries);
        }

        Assert.Equal([".", "..", .. Enumerable.Range(0, Count).Select(Name)], names);
        Assert.InRange(most, 1, 2048);
        Assert.Null(listing.Next());
        listing.Rewind();
        Assert.Equal(names, listing.Rest());
    }

    [Fact]
    public async Task Names_that_stay_come_once_whatever_comes_and_goes()
    {
        var (cluster, mount) = await FilledAsync();
        await using var a = mount;
        using var listing = new Listing(a.Mount.Root);
        var seen = new List<string>();
        var gone = new HashSet<int>();
        for (var i = 0; listing.Next() is { } name; i++)
        {
            seen.Add(name);
            if (i % 250 != 0) continue;

            // Before, at and behind where the listing is; odd numbers go, new names lie between the old.
            foreach (var at in new[] { i / 2, i, (i + Count) / 2 }.Select(n => n | 1).Where(n => n < Count && gone.Add(n)))
            {
                await cluster.Meta.UnlinkAsync(a.Context.Self(), InodeId.Root, FileName.FromText(Name(at)), null, default);
                await MakeAsync(cluster, a, Name(at) + "-new");
            }
        }

        Assert.Equal(seen.Count, seen.Distinct().Count());
        Assert.Empty(Enumerable.Range(0, Count).Where(n => n % 2 == 0).Select(Name).Except(seen));
    }

    [Fact]
    public async Task A_listing_goes_on_where_it_is_set_back_to_also_when_names_have_come_and_gone()
    {
        var (cluster, mount) = await FilledAsync();
        await using var a = mount;
        using var listing = new Listing(a.Mount.Root);
        var places = new List<(long Position, string? Next)>();
        for (var i = 0; ; i++)
        {
            var position = listing.Position;
            var next = listing.Next();
            if (i % 97 == 0 || next is null) places.Add((position, next));
            if (next is null) break;
        }

        Check(exactly: true);
        for (var n = 3; n < Count; n += 40)
        {
            if (places.Any(p => p.Next == Name(n) || p.Next == Name(n + 1))) continue;
            await cluster.Meta.UnlinkAsync(a.Context.Self(), InodeId.Root, FileName.FromText(Name(n)), null, default);
            await MakeAsync(cluster, a, Name(n) + "-new");
        }

        Check(exactly: false);

        void Check(bool exactly)
        {
            foreach (var (position, next) in places.AsEnumerable().Reverse())
            {
                listing.Position = position;
                var name = listing.Next();
                if (!exactly && name is not null && name.EndsWith("-new", StringComparison.Ordinal)) name = listing.Next();
                Assert.Equal(next, name);
            }
        }
    }

    private static string Name(int n) => $"name-{n:D6}";

    private static async Task<(ClusterFixture Cluster, ClusterMount Mount)> FilledAsync()
    {
        var cluster = await ClusterFixture.CreateAsync();
        var mount = cluster.Mount();
        for (var i = 0; i < Count; i++) await MakeAsync(cluster, mount, Name(i));
        return (cluster, mount);
    }

    private static async Task MakeAsync(ClusterFixture cluster, ClusterMount mount, string name) =>
        (await cluster.Meta.MakeNodeAsync(
            mount.Context.Self(), InodeId.Root, FileName.FromText(name), new NewInode(InodeType.Fifo, 0x1A4), default)).Status.ThrowIfFailed();

    private sealed class Listing(string path) : IDisposable
    {
        private readonly nint _directory = Posix.OpenDir(path);

        public long Position
        {
            get => Posix.TellDir(_directory);
            set => Posix.SeekDir(_directory, value);
        }

        public string? Next() => Posix.ReadDir(_directory);

        public void Rewind() => Posix.RewindDir(_directory);

        public List<string> Rest()
        {
            var names = new List<string>();
            while (Next() is { } name) names.Add(name);
            return names;
        }

        public void Dispose() => Posix.CloseDir(_directory);
    }
}
