using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Protos.Meta;

namespace ThreeFs.Meta.Tests.Wire;

public sealed class MetaMapperTests
{
    private static readonly Layout _layout = new(new ChainTableId(1), new ChainTableVersion(2), 1 << 20, 4, 3, ulong.MaxValue);

    [Fact]
    public void Inodes_round_trip()
    {
        var attr = new InodeAttr(
            new InodeId(ulong.MaxValue), InodeType.BlockDevice, 0xFFF, uint.MaxValue, 7, 3, long.MaxValue, new FileTime(-5), new FileTime(6),
            new FileTime(long.MaxValue), new TruncateVersion(9), ulong.MaxValue, _layout, default, new InodeId(4), InodeFlags.Immutable)
        {
            DataVersion = ulong.MaxValue,
        };
        Assert.Equal(attr, MetaMapper.FromProto(Through(MetaMapper.ToProto(attr)!, Attr.Parser))! with { SymlinkTarget = default });
        var link = attr with { SymlinkTarget = new byte[] { 1, 0, 255 }, Layout = null };
        var back = MetaMapper.FromProto(Through(MetaMapper.ToProto(link)!, Attr.Parser))!;
        Assert.Equal([1, 0, 255], back.SymlinkTarget.ToArray());
        Assert.Null(back.Layout);
    }

    [Fact]
    public void Contexts_round_trip_and_bad_ids_are_refused()
    {
        var context = new MetaContext(new UserInfo(1, 2, [3, 4]), new ClientId(Guid.NewGuid()), new RequestId(Guid.NewGuid()));
        var wire = Through(MetaMapper.ToProto(context), Context.Parser);
        var back = MetaMapper.FromProto(wire).Value;
        Assert.Equal((context.Client, context.Request, 1u, 2u), (back.Client, back.Request, back.User.Uid, back.User.Gid));
        Assert.Equal([3u, 4u], back.User.Groups.ToArray());
        wire.Request = MetaMapper.ToBytes(new byte[15]);
        Assert.Equal(StatusCode.InvalidArgument, MetaMapper.FromProto(wire).Code);
        Assert.Equal(StatusCode.InvalidArgument, MetaMapper.FromProto((Context?)null).Code);
    }

    [Fact]
    public void Changes_hints_and_new_inodes_round_trip()
    {
        var change = new AttrChange(SetAttrMask.Length | SetAttrMask.Mode)
        {
            Mode = 1, Uid = 2, Gid = 3, AccessTime = new FileTime(-4), ModifyTime = new FileTime(5), Layout = _layout,
            Flags = InodeFlags.AppendOnly, Length = 6,
        };
        Assert.Equal(change, MetaMapper.FromProto(Through(MetaMapper.ToProto(change), Change.Parser)));
        foreach (var hint in new[]
        {
            LengthHint.Nothing, new LengthHint(7, new TruncateVersion(8), true, new FileTime(0), null),
            new LengthHint(0, default, false, null, new FileTime(-9)),
        })
        {
            Assert.Equal(hint, MetaMapper.FromProto(Through(MetaMapper.ToProto(hint), Hint.Parser)));
        }

        var node = new NewInode(InodeType.CharDevice, 0x1B6) { Device = 0x103, Layout = _layout };
        Assert.Equal(node, MetaMapper.FromProto(Through(MetaMapper.ToProto(node), NewNode.Parser)) with { SymlinkTarget = default });
    }

    [Fact]
    public void Pages_and_space_round_trip()
    {
        var page = new DirPage([new DirEntry(new FileName(new byte[] { 0xC3, 0x28 }), new InodeId(5), InodeType.Socket, null)], true);
        var back = MetaMapper.FromProto(Through(MetaMapper.ToProto(page), PageReply.Parser));
        Assert.True(back.End);
        Assert.Equal(page.Entries[0], back.Entries[0]);
        var space = new FileSystemSpace(1, 2, 3, 4);
        Assert.Equal(space, MetaMapper.FromProto(Through(MetaMapper.ToProto(space), SpaceReply.Parser)));
    }

    private static T Through<T>(T message, Google.Protobuf.MessageParser<T> parser)
        where T : Google.Protobuf.IMessage<T> =>
        parser.ParseFrom(Google.Protobuf.MessageExtensions.ToByteArray(message));
}
