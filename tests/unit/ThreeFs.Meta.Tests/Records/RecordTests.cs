using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Meta.Locks;
using ThreeFs.Meta.Records;
using ThreeFs.Meta.Transactions;

namespace ThreeFs.Meta.Tests.Records;

/// <summary>The stored bytes, pinned. A difference here is a new version of the record, never a new golden line.</summary>
public sealed class RecordTests
{
    private static readonly Guid _guid = new("00112233-4455-6677-8899-aabbccddeeff");

    private static readonly InodeAttr _file = new(
        new InodeId(0x1234), InodeType.File, 0x1A4, 1000, 100, 2, 0x0102030405060708, new FileTime(1), new FileTime(2), new FileTime(3),
        new TruncateVersion(9), 0, new Layout(new ChainTableId(1), new ChainTableVersion(2), 1 << 20, 4, 3, 0xAABBCCDD), default,
        default, InodeFlags.AppendOnly) { DataVersion = 0x1112131415161718, ModifyTimeSetAt = new FileTime(4) };

    private static readonly InodeAttr _symlink = new(
        new InodeId(0x1235), InodeType.Symlink, 0x1FF, 0, 0, 1, 3, new FileTime(-1), new FileTime(2), new FileTime(3), default, 7, null,
        "a/b"u8.ToArray(), new InodeId(5), InodeFlags.None);

    public static TheoryData<string, string> Golden => new()
    {
        { Hex(InodeRecord.Encode(_file)), GoldenFile("inode-file-2") },
        { Hex(InodeRecord.Encode(_symlink)), GoldenFile("inode-symlink-2") },
        { Hex(new DentryRecord(new InodeId(0x1234), InodeType.Directory).Encode()), GoldenFile("dentry") },
        { Hex(new SessionRecord(new ClientId(_guid), new FileTime(0x55), true).Encode()), GoldenFile("session") },
        {
            Hex(new SessionRecord(new ClientId(_guid), new FileTime(0x55), true, OnlyAppends: true).Encode()),
            GoldenFile("session-appends")
        },
        { Hex(new GarbageRecord(GarbageKind.Tree).Encode()), GoldenFile("garbage") },
        { Hex(XattrRecord.Encode("value"u8)), GoldenFile("xattr") },
        { Hex(new Outcome(_symlink, null, true).Encode()), GoldenFile("outcome-2") },
        { Hex(MetaKeys.Inode(new InodeId(0x1234))), GoldenFile("key-inode") },
        { Hex(MetaKeys.Dentry(new InodeId(0x1234), FileName.FromText("name"))), GoldenFile("key-dentry") },
        { Hex(MetaKeys.EntryChangeTime(new InodeId(0x1234))), GoldenFile("key-entry-change-time") },
        { Hex(MetaKeys.Subdirectories(new InodeId(0x1234))), GoldenFile("key-subdirectories") },
        { Hex(MetaKeys.Session(new InodeId(0x1234), new SessionId(_guid))), GoldenFile("key-session") },
        { Hex(MetaKeys.Request(7, new ClientId(_guid), new RequestId(_guid), 1)), GoldenFile("key-request") },
        { Hex(MetaKeys.Garbage(new FileTime(0x55), new InodeId(0x1234))), GoldenFile("key-garbage") },
        { Hex(MetaKeys.Xattr(new InodeId(0x1234), FileName.FromText("user.x"))), GoldenFile("key-xattr") },
        { Hex(MetaKeys.Locks(new InodeId(0x1234), LockKind.Flock)), GoldenFile("key-locks") },
        {
            Hex(LockRecord.Encode(LockSet.Of(
                [new FileLock(new ClientId(_guid), 0x77, LockType.Exclusive, 1, long.MaxValue, 42, new FileTime(0x55))]))),
            GoldenFile("locks")
        },
        { Hex(MetaKeys.InodeAllocator), GoldenFile("key-inode-allocator") },
        { Hex(MetaKeys.InodeCount), GoldenFile("key-inode-count") },
    };

    [Theory]
    [MemberData(nameof(Golden))]
    public void Bytes_are_pinned(string actual, string golden) => Assert.Equal(golden, actual);

    [Fact]
    public void Inodes_round_trip()
    {
        Assert.Equal(_file, InodeRecord.Decode(_file.Id, InodeRecord.Encode(_file)).Value);
        var symlink = InodeRecord.Decode(_symlink.Id, InodeRecord.Encode(_symlink)).Value;
        Assert.Equal("a/b"u8, symlink.SymlinkTarget.Span);
        Assert.Equal(_symlink with { SymlinkTarget = symlink.SymlinkTarget }, symlink);
    }

    /// <summary>Before inodes had a data version.</summary>
    [Fact]
    public void Records_of_version_1_are_read()
    {
        var file = InodeRecord.Decode(_file.Id, Convert.FromHexString(GoldenFile("inode-file"))).Value;
        Assert.Equal(_file with { DataVersion = 0, ModifyTimeSetAt = default }, file);
        var symlink = InodeRecord.Decode(_symlink.Id, Convert.FromHexString(GoldenFile("inode-symlink"))).Value;
        Assert.Equal("a/b"u8, symlink.SymlinkTarget.Span);
        Assert.Equal(_symlink.Id, Outcome.Decode(Convert.FromHexString(GoldenFile("outcome"))).Value.First!.Id);
    }

    [Fact]
    public void Outcomes_round_trip()
    {
        var outcome = Outcome.Decode(new Outcome(_file, _file with { LinkCount = 0 }, true).Encode()).Value;
        Assert.Equal(new Outcome(_file, _file with { LinkCount = 0 }, true), outcome);
        Assert.Equal(Outcome.Nothing, Outcome.Decode(Outcome.Nothing.Encode()).Value);
    }

    [Fact]
    public void Newer_versions_and_broken_bytes_are_told_apart()
    {
        var bytes = InodeRecord.Encode(_file);
        for (var length = 0; length < bytes.Length; length++)
            Assert.Equal(StatusCode.Corruption, InodeRecord.Decode(_file.Id, bytes.AsSpan(0, length)).Code);
        Assert.Equal(StatusCode.Corruption, InodeRecord.Decode(_file.Id, [.. bytes, 0]).Code);
        bytes[0]++;
        var newer = InodeRecord.Decode(_file.Id, bytes);
        Assert.Equal(StatusCode.UnknownFormatVersion, newer.Code);
        Assert.Contains("0x1234", newer.Status.Message);
        Assert.Equal(StatusCode.UnknownFormatVersion, DentryRecord.Decode(default, [2, 0]).Code);
        Assert.Equal(StatusCode.UnknownFormatVersion, XattrRecord.Decode(default, new byte[] { 2, 0 }).Code);
    }

    [Fact]
    public void Keys_are_read_back()
    {
        Assert.True(MetaKeys.TryReadSession(MetaKeys.Session(new InodeId(9), new SessionId(_guid)), out var inode, out var session));
        Assert.Equal((new InodeId(9), _guid), (inode, session.Value));
        Assert.True(MetaKeys.TryReadGarbage(MetaKeys.Garbage(new FileTime(77), new InodeId(9)), out var due, out inode));
        Assert.Equal((new FileTime(77), new InodeId(9)), (due, inode));
        Assert.True(MetaKeys.TryReadLocks(MetaKeys.Locks(new InodeId(9), LockKind.Flock), out inode, out var kind));
        Assert.Equal((new InodeId(9), LockKind.Flock), (inode, kind));
        Assert.Equal("n", MetaKeys.NameOf(MetaKeys.Dentry(new InodeId(9), FileName.FromText("n"))).ToString());
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void Sessions_round_trip(bool canWrite, bool onlyAppends)
    {
        var session = new SessionRecord(new ClientId(_guid), new FileTime(5), canWrite, onlyAppends);
        Assert.Equal(session, SessionRecord.Decode(default, session.Encode()).Value);
    }

    private static string Hex(byte[] bytes) => Convert.ToHexString(bytes);

    private static string GoldenFile(string name)
    {
        var path = Path.Combine(AppContext.BaseDirectory, "Records", "golden", name + ".hex");
        return File.Exists(path) ? File.ReadAllText(path).Trim() : $"no {path}";
    }
}
