using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Kv;
using ThreeFs.Meta.Tests.Support;
using static ThreeFs.Meta.Tests.Support.MetaHarness;

namespace ThreeFs.Meta.Tests.Model;

/// <summary>
/// Random operations of several users through two servers on a store that fails at random, compared with <see cref="PosixModel"/>
/// after every step; a fifth of the mutations is sent again to the other server and must change nothing.
/// </summary>
public sealed class ModelTests
{
    private static readonly string[] _names = ["a", "b", "c", "d", "e"];
    private static readonly uint[] _modes = [0x1FF, 0x1ED, 0x1C0, 0x3FF, 0x5FF, 0x1B6, 0xDED, 0x49, 0x124];

    public static TheoryData<ulong> Seeds => [.. Enumerable.Range(1, 30).Select(i => (ulong)i * 7919)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task Agrees_with_posix(ulong seed)
    {
        var faults = new SeededKvFaults(new SeededRandom(seed + 1))
        {
            CommitConflict = 0.1, CommitMaybeCommitted = 0.2, CommitTooOld = 0.03, ReadTooOld = 0.002,
        };
        var run = new Run(await MetaHarness.CreateAsync(faults, seed: seed), new SeededRandom(seed));
        await run.Fs.ChmodAsync(InodeId.Root, 0x1FF);
        for (var step = 0; step < 300; step++)
        {
            var what = await run.StepAsync();
            Assert.True(what is null, $"seed {seed}, step {step}: {what}");
            if (step % 20 != 19) continue;
            what = await run.CompareAsync();
            Assert.True(what is null, $"seed {seed}, step {step}: {what}");
        }

        Assert.True(faults.Injected > 20, "faults were injected");
        Assert.True(run.Succeeded > 60, "operations succeeded");
    }

    private sealed class Run(MetaHarness fs, SeededRandom random)
    {
        private readonly PosixModel _model = new();
        private MetaContext _context = null!;

        public MetaHarness Fs => fs;
        public int Succeeded { get; private set; }

        private MetaService Service => random.NextBool(0.5) ? fs.A : fs.B;
        private UserInfo User => _context.User;

        /// <returns>What went wrong, or null.</returns>
        public async Task<string?> StepAsync()
        {
            _context = Pick([fs.Root, fs.As(5), fs.As(6, 5)]);
            var dir = Pick(_model.Directories());
            var name = Pick(_names);
            switch (random.Next(12))
            {
                case 0 or 1 or 2: return await MakeAsync(dir, name, InodeType.Directory);
                case 3: return await MakeAsync(dir, name, InodeType.File);
                case 4: return await MakeAsync(dir, name, Pick([InodeType.Symlink, InodeType.Fifo]));
                case 5: return await LinkAsync(dir, name);
                case 6: return await RemoveAsync(dir, name, directory: false);
                case 7: return await RemoveAsync(dir, name, directory: true);
                case 8 or 9: return await RenameAsync(dir, name);
                case 10: return await ChangeAsync();
                default: return await TruncateAsync();
            }
        }

        private async Task<string?> MakeAsync(ModelNode dir, string name, InodeType type)
        {
            var mode = Pick(_modes);
            var expected = _model.Make(User, dir, name, type, mode, out var node);
            var wanted = type == InodeType.Symlink ? Symlink("x") : new NewInode(type, mode);
            var result = await TwiceAsync(s => s.MakeNodeAsync(_context, dir.Id, Name(name), wanted, default));
            if (node is not null && result.IsOk) node.Id = result.Value.Id;
            return Compare($"make {type} {name} in {dir.Id} by {User.Uid}", expected, result);
        }

        private async Task<string?> LinkAsync(ModelNode dir, string name)
        {
            var node = PickNode();
            var expected = _model.Link(User, node, dir, name);
            var result = await TwiceAsync(s => s.LinkAsync(_context, node.Id, dir.Id, Name(name), default));
            return Compare($"link {node.Id} to {name} in {dir.Id} by {User.Uid}", expected, result);
        }

        private async Task<string?> RemoveAsync(ModelNode dir, string name, bool directory)
        {
            var expected = _model.Remove(User, dir, name, directory);
            var code = directory
                ? (await TwiceAsync(s => s.RemoveDirectoryAsync(_context, dir.Id, Name(name), default))).Code
                : (await TwiceAsync(s => s.UnlinkAsync(_context, dir.Id, Name(name), null, default))).Code;
            return Compare($"remove {name} in {dir.Id} by {User.Uid}, directory: {directory}", expected, code);
        }

        private async Task<string?> RenameAsync(ModelNode dir, string name)
        {
            var to = random.NextBool(0.3) ? dir : Pick(_model.Directories());
            var newName = Pick(_names);
            var flags = Pick([RenameFlags.None, RenameFlags.None, RenameFlags.NoReplace, RenameFlags.Exchange]);
            var expected = _model.Rename(User, dir, name, to, newName, flags);
            var result = await TwiceAsync(async s =>
            {
                var renamed = await s.RenameAsync(_context, dir.Id, Name(name), to.Id, Name(newName), flags, default);
                return renamed.TryGet(out var r) ? r.Moved : renamed.Status;
            });
            return Compare($"rename {name} in {dir.Id} to {newName} in {to.Id} by {User.Uid}, {flags}", expected, result);
        }

        private async Task<string?> ChangeAsync()
        {
            var node = PickNode();
            StatusCode expected;
            AttrChange change;
            if (random.NextBool(0.6))
            {
                change = new AttrChange(SetAttrMask.Mode) { Mode = Pick(_modes) };
                expected = _model.Chmod(User, node, change.Mode);
            }
            else
            {
                change = new AttrChange(SetAttrMask.Uid | SetAttrMask.Gid) { Uid = Pick([0u, 5u, 6u]), Gid = Pick([0u, 5u, 6u]) };
                expected = _model.Chown(User, node, change.Uid, change.Gid);
            }

            var result = await TwiceAsync(s => s.SetAttrAsync(_context, node.Id, change, default));
            return Compare($"set {change} on {node.Id} by {User.Uid}", expected, result);
        }

        private async Task<string?> TruncateAsync()
        {
            var node = PickNode();
            var length = random.Next(10_000);
            var expected = _model.Truncate(User, node, length);
            var change = new AttrChange(SetAttrMask.Length) { Length = length };
            var result = await TwiceAsync(s => s.SetAttrAsync(_context, node.Id, change, default));
            return Compare($"truncate {node.Id} to {length} by {User.Uid}", expected, result);
        }

        /// <summary>Sends the request, and sometimes once more to whichever server; both answers must be the same.</summary>
        private async Task<Result<InodeAttr>> TwiceAsync(Func<MetaService, ValueTask<Result<InodeAttr>>> send)
        {
            var first = await send(Service);
            if (!first.IsOk || !random.NextBool(0.2)) return first;
            var second = await send(Service);
            return second.IsOk && (first.Value is null || Same(first.Value, second.Value)) ? first : new Status(StatusCode.Internal, "repeated request");
        }

        private static bool Same(InodeAttr a, InodeAttr b) =>
            (a.Id, a.LinkCount, a.ChangeTime, a.Mode) == (b.Id, b.LinkCount, b.ChangeTime, b.Mode);

        private static async ValueTask<Result<InodeAttr>> NothingAsync(ValueTask<Status> running)
        {
            var status = await running;
            return status.IsOk ? (InodeAttr)null! : status;
        }

        private string? Compare(string what, StatusCode expected, Result<InodeAttr> result) => Compare(what, expected, result.Code);

        private string? Compare(string what, StatusCode expected, StatusCode code)
        {
            if (code == StatusCode.Ok) Succeeded++;
            return code == expected ? null : $"{what}: {code} instead of {expected}";
        }

        /// <summary>The whole tree: names, and of every inode what stat shows.</summary>
        public async Task<string?> CompareAsync()
        {
            foreach (var dir in _model.Directories())
            {
                var page = await ListAsync(dir);
                if (!page.Entries.Select(e => e.Name.ToString()).SequenceEqual(dir.Entries.Keys))
                    return $"{dir.Id} lists {string.Join(",", page.Entries.Select(e => e.Name))} instead of {string.Join(",", dir.Entries.Keys)}";
                foreach (var entry in page.Entries)
                {
                    var node = dir.Entries[entry.Name.ToString()];
                    var attr = entry.Attr!;
                    var actual = (attr.Id, attr.Type, attr.Mode, attr.Uid, attr.Gid, (int)attr.LinkCount);
                    var wanted = (node.Id, node.Type, node.Mode, node.Uid, node.Gid, node.Links);
                    if (actual != wanted) return $"{entry.Name} in {dir.Id} is {actual} instead of {wanted}";
                    if (node.Type == InodeType.File && attr.Length != node.Length) return $"{node.Id} has {attr.Length} bytes";
                    if (node.IsDirectory && attr.Parent != dir.Id) return $"{node.Id} has parent {attr.Parent} instead of {dir.Id}";
                }
            }

            return null;
        }

        private async Task<DirPage> ListAsync(ModelNode dir)
        {
            while (true)
            {
                var page = await Service.ReadDirectoryAsync(fs.Root, dir.Id, null, 100, true, default);
                if (page.IsOk) return page.Value;
            }
        }

        private ModelNode PickNode()
        {
            var dir = Pick(_model.Directories());
            return dir.Entries.Count == 0 ? dir : Pick([.. dir.Entries.Values]);
        }

        private T Pick<T>(IReadOnlyList<T> items) => items[random.Next(items.Count)];
    }
}
