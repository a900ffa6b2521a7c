using ThreeFs.Base;

namespace ThreeFs.Kv.Tests.Keys;

public sealed class KeyCodecTests
{
    [Fact]
    public void Prefixes_are_golden_and_unique()
    {
        Assert.Equal(
            "INOD DENT DCNT INOS IDEM GCQU META XATR SING USER NODE CHIT CHIF TGIF UTGS CONF",
            string.Join(' ', KeyPrefixes.All.Take(16)));
        Assert.Equal(KeyPrefixes.All.Count, KeyPrefixes.All.Distinct().Count());
        Assert.All(
            KeyPrefixes.All,
            prefix => Assert.Equal(prefix.ToString(), System.Text.Encoding.ASCII.GetString(prefix.ToArray())));
    }

    [Fact]
    public void Every_field_is_read_back()
    {
        var guid = new SeededRandom(1).NextGuid();
        var writer = new KeyWriter(stackalloc byte[KeyWriter.Typical], KeyPrefixes.Dentry);
        writer.U8(1);
        writer.U16(0x0203);
        writer.U32(0x04050607);
        writer.U64(0x08090A0B0C0D0E0F);
        writer.I64(-5);
        writer.Guid(guid);
        writer.Escaped([0, 1, 0]);
        Assert.Equal(50, writer.Stamp());
        writer.Raw("name"u8);
        Assert.Equal(
            "44454E54" + "01" + "0203" + "04050607" + "08090A0B0C0D0E0F",
            Convert.ToHexString(writer.Written[..19]));

        var reader = new KeyReader(writer.Written, KeyPrefixes.Dentry);
        Assert.True(reader.U8(out var u8) && reader.U16(out var u16) && reader.U32(out var u32)
            && reader.U64(out var u64)
            && reader.I64(out var i64) && reader.Guid(out var guidRead) && reader.Escaped(out var escaped)
            && reader.Stamp(out var stamp)
            && (u8, u16, u32, u64, i64, guidRead) == (1, 0x0203, 0x04050607u, 0x08090A0B0C0D0E0Ful, -5L, guid)
            && escaped.AsSpan().SequenceEqual(new byte[] { 0, 1, 0 }) && stamp == default);
        Assert.Equal("name"u8, reader.Raw());
        Assert.True(reader.AtEnd);
    }

    [Fact]
    public void Keys_sort_like_their_fields()
    {
        var random = new SeededRandom(3);
        for (var i = 0; i < 2000; i++)
        {
            var (a, b) = (Signed(random), Signed(random));
            Assert.Equal(Math.Sign(a.CompareTo(b)), Math.Sign(Write(a, "").AsSpan().SequenceCompareTo(Write(b, ""))));
            var (x, y) = (Text(random), Text(random));
            var order = string.CompareOrdinal(x, y);
            if (order == 0) order = a.CompareTo(b);
            Assert.Equal(
                Math.Sign(order),
                Math.Sign(WriteTextFirst(x, a).AsSpan().SequenceCompareTo(WriteTextFirst(y, b))));
        }

        static long Signed(SeededRandom random) => (long)random.NextUInt64() >> random.Next(64);
        static string Text(SeededRandom random) =>
            string.Concat(Enumerable.Range(0, random.Next(4)).Select(_ => "\0\x01\x02\xFE\xFF"[random.Next(5)]));
    }

    [Theory]
    [InlineData("", false)]
    [InlineData("INO", false)]
    [InlineData("INOS12345678", false)]
    [InlineData("INOD1234567", false)]
    [InlineData("INOD12345678", true)]
    public void Short_and_foreign_keys_are_input_not_defects(string key, bool ok)
    {
        var reader = new KeyReader(System.Text.Encoding.ASCII.GetBytes(key), KeyPrefixes.Inode);
        Assert.Equal(ok, reader.U64(out _));
        Assert.Equal(ok, reader.Ok);
        Assert.Equal(ok, reader.AtEnd);
        Assert.True(reader.Raw().IsEmpty);
    }

    [Theory]
    [InlineData("a", "b")]
    [InlineData("a\xFF", "b")]
    [InlineData("a\xFF\xFF", "b")]
    [InlineData("a\xFE", "a\xFF")]
    [InlineData("\xFF\xFF", "\xFF")]
    [InlineData("", "\xFF")]
    public void Prefix_ends(string prefix, string end) =>
        Assert.Equal(
            end,
            System.Text.Encoding.Latin1.GetString(KvKeys.PrefixEnd(System.Text.Encoding.Latin1.GetBytes(prefix))));

    private static byte[] Write(long number, string text)
    {
        var writer = new KeyWriter(stackalloc byte[64], KeyPrefixes.Inode);
        writer.I64(number);
        writer.Raw(System.Text.Encoding.Latin1.GetBytes(text));
        return writer.ToArray();
    }

    private static byte[] WriteTextFirst(string text, long number)
    {
        var writer = new KeyWriter(stackalloc byte[64], KeyPrefixes.Inode);
        writer.Escaped(System.Text.Encoding.Latin1.GetBytes(text));
        writer.I64(number);
        return writer.ToArray();
    }
}
