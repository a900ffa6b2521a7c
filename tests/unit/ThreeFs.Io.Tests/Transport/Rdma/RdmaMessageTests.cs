using ThreeFs.Base;
using ThreeFs.Transport;
using ThreeFs.Transport.Rdma;
using ThreeFs.Transport.Rdma.Verbs;

namespace ThreeFs.Io.Tests.Transport.Rdma;

/// <summary>The bytes of the messages, pinned, and what is refused.</summary>
public sealed class RdmaMessageTests
{
    private static readonly RdmaMessage _message = new()
    {
        Kind = RdmaMessageKind.Request,
        Method = 0x0203,
        HeaderLength = 2,
        CallId = 0x0807060504030201,
        Status = StatusCode.Ok,
        ReceiveSlices = 1,
        SendSlices = 2,
        PayloadLength = 0x1000,
        ReceiveCapacity = 0x2000,
        TimeoutMilliseconds = 0x3000,
    };

    private static byte[] Bytes()
    {
        var bytes = new byte[_message.Length];
        _message.Write(bytes);
        return bytes;
    }

    [Fact]
    public void A_message_has_these_bytes() => Assert.Equal(
        "010003020200000001020304050607080000010002000000001000000020000000300000",
        Convert.ToHexString(Bytes()[..RdmaMessage.Size]).ToLowerInvariant());

    [Fact]
    public void A_message_reads_as_it_was_written()
    {
        Assert.True(RdmaMessage.TryRead(Bytes(), out var read).IsOk);
        Assert.Equal(_message, read);
        Assert.Equal(RdmaMessage.Size + 3 * RemoteSlice.Size + 2, read.Length);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(0, 4)]
    [InlineData(1, 2)]
    [InlineData(7, 1)]
    [InlineData(19, 0xff)]
    [InlineData(21, 0xff)]
    [InlineData(27, 0x7f)]
    [InlineData(27, 0xff)]
    [InlineData(31, 0x7f)]
    [InlineData(35, 0x80)]
    [InlineData(4, 3)]
    public void A_message_that_cannot_be_is_refused(int offset, byte value)
    {
        var bytes = Bytes();
        bytes[offset] = value;
        Assert.Equal(StatusCode.ProtocolError, RdmaMessage.TryRead(bytes, out _).Code);
    }

    [Fact]
    public void Lengths_that_were_cut_are_refused()
    {
        var bytes = Bytes();
        for (var length = 0; length < bytes.Length; length++)
            Assert.Equal(StatusCode.ProtocolError, RdmaMessage.TryRead(bytes.AsSpan(0, length), out _).Code);
    }

    [Fact]
    public void Slices_must_hold_what_is_announced()
    {
        var bytes = new byte[2 * RemoteSlice.Size];
        bytes[8] = 10;
        bytes[24] = 5;
        var slices = new RemoteSlice[2];
        Assert.True(RdmaMessage.ReadSlices(bytes, slices, 15).IsOk);
        Assert.Equal(StatusCode.ProtocolError, RdmaMessage.ReadSlices(bytes, slices, 16).Code);
        Assert.Equal(StatusCode.ProtocolError, RdmaMessage.ReadSlices(bytes, slices, 14).Code);
    }

    private static readonly RdmaHello _hello = new()
    {
        QueuePair = 0x11,
        FirstPsn = 0x22,
        Gid = new IbGid { High = 1, Low = 2 },
        Lid = 3,
        Mtu = IbMtu.B4096,
        IsGlobal = true,
        ReceiveBuffers = 32,
        BufferSize = 4096,
        ReadsIn = 16,
    };

    [Fact]
    public void An_introduction_has_these_bytes()
    {
        var bytes = new byte[RdmaHello.Size];
        _hello.Write(bytes);
        Assert.Equal(
            "334653520100000011000000220000000100000000000000020000000000000003000501200000101000000000000000",
            Convert.ToHexString(bytes).ToLowerInvariant());
        Assert.Equal(_hello, RdmaHello.TryRead(bytes).Value);
    }

    [Theory]
    [InlineData(0, 0, StatusCode.ProtocolError)]
    [InlineData(4, 2, StatusCode.UnknownFormatVersion)]
    [InlineData(34, 0, StatusCode.ProtocolError)]
    [InlineData(34, 6, StatusCode.ProtocolError)]
    [InlineData(36, 3, StatusCode.ProtocolError)]
    [InlineData(39, 0, StatusCode.ProtocolError)]
    [InlineData(40, 0, StatusCode.ProtocolError)]
    public void An_introduction_that_cannot_be_is_refused(int offset, byte value, StatusCode code)
    {
        var bytes = new byte[RdmaHello.Size];
        _hello.Write(bytes);
        bytes[offset] = value;
        Assert.Equal(code, RdmaHello.TryRead(bytes).Code);
    }

    [Fact]
    public void A_machine_without_an_adapter_has_no_such_transport()
    {
        using var reactor = Reactor.Start("none").Value;
        if (Directory.Exists("/sys/class/infiniband") && Directory.EnumerateFileSystemEntries("/sys/class/infiniband").Any()) return;
        Assert.Null(RdmaTransport.TryOpen([reactor], new RdmaMemory()));
    }
}
