using System.Numerics;
using ThreeFs.Kv.FoundationDb.StackTester;

namespace ThreeFs.Kv.FoundationDb.Tests.StackTester;

/// <summary>The encoding that FoundationDB's tuple specification gives as examples, and its order.</summary>
public sealed class TupleCodecTests
{
    public static TheoryData<object?, string> Examples => new()
    {
        { null, "00" },
        { "foo\0bar"u8.ToArray(), "01666f6f00ff62617200" },
        { "F\u00d4O\0bar", "0246c3944f00ff62617200" },
        { new object?[] { "foo\0bar"u8.ToArray(), null, Array.Empty<object?>() }, "0501666f6f00ff6261720000ff050000" },
        { new BigInteger(-5551212), "11ab4b93" },
        { BigInteger.Zero, "14" },
        { new BigInteger(255), "15ff" },
        { new BigInteger(256), "160100" },
        { new BigInteger(-255), "1300" },
        { new BigInteger(ulong.MaxValue), "1cffffffffffffffff" },
        { BigInteger.One << 64, "1d09010000000000000000" },
        { -(BigInteger.One << 64), "0bf6feffffffffffffffff" },
        { -42f, "203dd7ffff" },
        { 42d, "21c045000000000000" },
        { true, "27" },
        { false, "26" },
    };

    [Theory]
    [MemberData(nameof(Examples))]
    public void Elements_are_encoded_as_specified_and_decoded_again(object? item, string hex)
    {
        var packed = TupleCodec.Pack(item);
        Assert.Equal(hex, Convert.ToHexString(packed), ignoreCase: true);
        Assert.Equal(item, Assert.Single(TupleCodec.Unpack(packed)));
    }

    [Fact]
    public void Packed_integers_sort_as_integers()
    {
        var numbers = Enumerable.Range(0, 80).SelectMany(bit => new[] { -1, 0, 1 }.SelectMany(
            near => new[] { (BigInteger.One << bit) + near, -(BigInteger.One << bit) + near }))
            .Distinct().Order().ToArray();
        var packed = numbers.Select(number => Convert.ToHexString(TupleCodec.Pack(number))).ToArray();
        Assert.Equal(packed.Order(StringComparer.Ordinal), packed);
        Assert.Equal(numbers, packed.Select(hex => (BigInteger)TupleCodec.Unpack(Convert.FromHexString(hex))[0]!));
    }

    [Fact]
    public void An_incomplete_stamp_is_found_wherever_it_is()
    {
        var stamp = new TupleStamp([.. Enumerable.Repeat((byte)0xFF, 10), 0, 1]);
        var done = new TupleStamp(new byte[12]);
        Assert.Equal(-1, TupleCodec.FindIncomplete(["a", done]));
        Assert.Equal(-2, TupleCodec.FindIncomplete([stamp, new object?[] { stamp }]));
        foreach (var items in new object?[][] { [stamp], ["a", stamp], ["a", new object?[] { null, "b", stamp }] })
        {
            var place = TupleCodec.FindIncomplete(items);
            Assert.Equal(stamp.Bytes, TupleCodec.Pack(items)[place..(place + 12)]);
        }
    }
}
