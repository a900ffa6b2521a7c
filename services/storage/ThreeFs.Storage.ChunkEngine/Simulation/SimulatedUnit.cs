using ThreeFs.Base;
using ThreeFs.Storage.ChunkEngine.Device;

namespace ThreeFs.Storage.ChunkEngine.Simulation;

/// <summary>One 4 KiB unit of a simulated device: its durable content and everything written since the last flush.</summary>
internal sealed class SimulatedUnit
{
    private const int Sector = 512;

    private static readonly byte[] _neverWritten = Enumerable.Repeat((byte)0xA5, IBlockDevice.Unit).ToArray();

    private readonly List<(long Number, byte[] Content)> _unflushed = [];
    private byte[] _durable = _neverWritten;

    public static ReadOnlySpan<byte> NeverWritten => _neverWritten;

    public ReadOnlySpan<byte> Current => _unflushed.Count > 0 ? _unflushed[^1].Content : _durable;

    public void Write(long number, byte[] content) => _unflushed.Add((number, content));

    /// <summary>The newest content changes by itself.</summary>
    public void Flip(int at)
    {
        var rotten = Current.ToArray();
        rotten[at] ^= 0x40;
        if (_unflushed.Count > 0) _unflushed[^1] = (_unflushed[^1].Number, rotten);
        else _durable = rotten;
    }

    public void Flush(long covered)
    {
        var count = 0;
        while (count < _unflushed.Count && _unflushed[count].Number <= covered) count++;
        if (count == 0) return;
        _durable = _unflushed[count - 1].Content;
        _unflushed.RemoveRange(0, count);
    }

    /// <summary>Every sector on its own is what it was durably, or any of what was written since.</summary>
    public SimulatedUnit AfterPowerLoss(SeededRandom random)
    {
        if (_unflushed.Count == 0) return this;
        var left = new byte[IBlockDevice.Unit];
        for (var sector = 0; sector < left.Length; sector += Sector)
        {
            var choice = random.Next(_unflushed.Count + 1);
            var source = choice == 0 ? _durable : _unflushed[choice - 1].Content;
            source.AsSpan(sector, Sector).CopyTo(left.AsSpan(sector));
        }

        return new SimulatedUnit { _durable = left };
    }
}
