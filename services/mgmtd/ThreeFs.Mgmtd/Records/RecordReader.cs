using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text;
using ThreeFs.Base;

namespace ThreeFs.Mgmtd.Records;

/// <summary>
/// Reads what <see cref="RecordWriter"/> wrote. Stored bytes are input: a short or impossible one turns
/// <see cref="Status"/> to Corruption, a version byte from the future to UnknownFormatVersion, and every later field
/// reads as its default, so that a decoder reads all fields and checks once.
/// </summary>
internal sealed class RecordReader
{
    private static readonly UTF8Encoding _strict = new(false, throwOnInvalidBytes: true);

    private readonly string _what;
    private readonly ReadOnlyMemory<byte> _bytes;
    private int _at;

    /// <param name="what">Names the record in messages.</param>
    /// <param name="newest">The newest version this build knows; versions start at 1.</param>
    public RecordReader(ReadOnlyMemory<byte> bytes, byte newest, string what)
    {
        _bytes = bytes;
        _what = what;
        Version = U8();
        if (!Status.IsOk || (Version >= 1 && Version <= newest)) return;
        Status = Version == 0
            ? new Status(StatusCode.Corruption, $"{what}: version byte 0")
            : new Status(StatusCode.UnknownFormatVersion,
                $"{what} was written in version {Version}, this build knows up to {newest}: run the newer build");
    }

    public Status Status { get; private set; }
    public byte Version { get; }

    public byte U8() => Take(1) is { Length: 1 } b ? b[0] : (byte)0;

    public uint U32() => Take(4) is { Length: 4 } b ? BinaryPrimitives.ReadUInt32LittleEndian(b) : 0;

    public ulong U64() => Take(8) is { Length: 8 } b ? BinaryPrimitives.ReadUInt64LittleEndian(b) : 0;

    public string Text()
    {
        var bytes = Take(Count());
        try
        {
            return _strict.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            Fail("a text is not UTF-8");
            return "";
        }
    }

    public ImmutableArray<T> List<T>(Func<RecordReader, T> read)
    {
        var count = Count();
        var items = ImmutableArray.CreateBuilder<T>(count);
        for (var i = 0; i < count && Status.IsOk; i++) items.Add(read(this));
        return Status.IsOk ? items.ToImmutable() : [];
    }

    /// <summary>Checks a condition on what was read.</summary>
    public void Require(bool condition, string otherwise)
    {
        if (!condition) Fail(otherwise);
    }

    /// <summary>The decoded record if everything was there and nothing is left.</summary>
    public Result<T> Done<T>(T record)
    {
        if (Status.IsOk && _at != _bytes.Length) Fail($"{_bytes.Length - _at} bytes are left over");
        return Status.IsOk ? record : Status;
    }

    /// <summary>
    /// An item takes at least a byte, so a count beyond what is left is a lie and reserves no memory.
    /// </summary>
    private int Count()
    {
        var count = U32();
        if (count <= _bytes.Length - _at) return (int)count;
        Fail($"a count of {count} exceeds the record");
        return 0;
    }

    private ReadOnlySpan<byte> Take(int count)
    {
        if (!Status.IsOk) return default;
        if (count > _bytes.Length - _at)
        {
            Fail($"it ends after {_bytes.Length} bytes");
            return default;
        }

        var bytes = _bytes.Span.Slice(_at, count);
        _at += count;
        return bytes;
    }

    private void Fail(string why)
    {
        if (Status.IsOk) Status = new Status(StatusCode.Corruption, $"{_what}: {why}");
    }
}
