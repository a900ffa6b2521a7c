using System.Text;
using ThreeFs.Base;

namespace ThreeFs.UsrbIo.Tests;

public sealed class RegistryKeyTests
{
    private const string Id = "00112233-4455-6677-8899-aabbccddeeff";

    private static RegistryKey Parse(string name)
    {
        Assert.True(RegistryKey.TryParse(Encoding.ASCII.GetBytes(name), out var key), name);
        return key;
    }

    [Fact]
    public void Id_is_the_bytes_in_the_order_of_the_text()
    {
        var key = Parse(Id);
        Assert.Equal((0x7766554433221100ul, 0xFFEEDDCCBBAA9988ul), (key.Id.First, key.Id.Second));
        Assert.False(key.IsRing);
    }

    [Theory]
    [InlineData(".b4096", 4096u, false, false, 0, 0, RingFlags.None, RingPriority.Normal)]
    [InlineData(".r0.t0", 0u, true, true, 0, 0, RingFlags.None, RingPriority.Normal)]
    [InlineData(".w-32.t250.f11.ph", 0u, true, false, -32, 250, RingFlags.AllowReadUncommitted | RingFlags.ForbidReadHoles, RingPriority.High)]
    [InlineData(".pl.f10.t1.r8", 0u, true, true, 8, 1, RingFlags.ForbidReadHoles, RingPriority.Low)]
    [InlineData(".p.w1", 0u, true, false, 1, 0, RingFlags.None, RingPriority.Normal)]
    [InlineData(".r4.pn", 0u, true, true, 4, 0, RingFlags.None, RingPriority.Normal)]
    public void Decorations_come_in_any_order(
        string decoration, uint block, bool isRing, bool forRead, int depth, int timeout, RingFlags flags, RingPriority priority)
    {
        var key = Parse(Id + decoration);
        Assert.Equal(new RegistryKey(key.Id, block, isRing, forRead, depth, timeout, flags, priority), key);
    }

    [Theory]
    [InlineData("")]
    [InlineData("x")]
    [InlineData("00112233-4455-6677-8899-AABBCCDDEEFF")]
    [InlineData("00112233445566778899aabbccddeeff0000")]
    [InlineData(Id + ".")]
    [InlineData(Id + "b1")]
    [InlineData(Id + ".b0")]
    [InlineData(Id + ".b-1")]
    [InlineData(Id + ".b+1")]
    [InlineData(Id + ".b")]
    [InlineData(Id + ".t5")]
    [InlineData(Id + ".f1")]
    [InlineData(Id + ".ph")]
    [InlineData(Id + ".r0.f2")]
    [InlineData(Id + ".r0.f")]
    [InlineData(Id + ".r0.t-1")]
    [InlineData(Id + ".r0.px")]
    [InlineData(Id + ".r0.w0")]
    [InlineData(Id + ".r99999999999")]
    [InlineData(Id + ".z")]
    [InlineData(Id + ".r0..t0")]
    public void Other_names_are_refused(string name) => Assert.False(RegistryKey.TryParse(Encoding.ASCII.GetBytes(name), out _));

    [Fact]
    public void What_is_written_is_read_back()
    {
        var random = new SeededRandom(1);
        for (var i = 0; i < 2000; i++)
        {
            var isRing = random.NextBool(0.7);
            var key = isRing
                ? new RegistryKey(
                    new BufferId(random.NextUInt64(), random.NextUInt64()), 0, true, random.NextBool(0.5), random.Next(2000) - 1000,
                    random.Next(100_000), (RingFlags)random.Next(8), (RingPriority)random.Next(3))
                : new RegistryKey(
                    new BufferId(random.NextUInt64(), random.NextUInt64()), random.NextUInt64() >> 1, false, false, 0, 0, default, RingPriority.Normal);
            Assert.Equal(key, Parse(key.ToString()));
        }
    }

    [Fact]
    public void No_name_does_harm()
    {
        var random = new SeededRandom(2);
        var letters = ".-0123456789abcdefrwtfphlnb\0\xff"u8.ToArray();
        for (var i = 0; i < 200_000; i++)
        {
            var name = new byte[random.Next(80)];
            for (var j = 0; j < name.Length; j++) name[j] = letters[random.Next(letters.Length)];
            if (random.NextBool(0.7)) Encoding.ASCII.GetBytes(Id).AsSpan(0, Math.Min(36, name.Length)).CopyTo(name);
            if (RegistryKey.TryParse(name, out var key)) Assert.InRange(key.ToString().Length, 36, RegistryKey.MaxLength);
        }
    }

    /// <summary>Names come from any process: no text does harm, and what is taken for a name means the same when written anew.</summary>
    [Fact]
    public void Any_text_is_refused_or_has_one_meaning()
    {
        var random = new Random(5);
        string[] parts = ["b", "r", "w", "t", "f", "p", "ph", "pl", "pn", ".", "-", "+", "0", "1", "10", "4096", "99999999999999999999", "é"];
        var taken = 0;
        for (var i = 0; i < 100_000; i++)
        {
            var text = Guid.NewGuid().ToString();
            for (var n = random.Next(6); n > 0; n--) text += (random.Next(4) == 0 ? "" : ".") + parts[random.Next(parts.Length)] + parts[random.Next(9, parts.Length)];
            var name = System.Text.Encoding.UTF8.GetBytes(text);
            if (random.Next(3) == 0) name[random.Next(name.Length)] = (byte)random.Next(256);
            if (random.Next(10) == 0) name = name[..random.Next(name.Length)];
            if (!RegistryKey.TryParse(name, out var key)) continue;
            taken++;
            Assert.True(RegistryKey.TryParse(System.Text.Encoding.ASCII.GetBytes(key.ToString()), out var again), key.ToString());
            Assert.Equal(key, again);
            Assert.InRange(key.Depth, -RingLayout.MaxEntries, RingLayout.MaxEntries);
            Assert.InRange(key.TimeoutMs, 0, int.MaxValue);
        }

        Assert.True(taken > 1000, $"only {taken} names were good");
    }
}
