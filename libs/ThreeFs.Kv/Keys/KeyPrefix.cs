using System.Text;

namespace ThreeFs.Kv;

/// <summary>
/// Four ASCII bytes in front of every key: which kind of record it is and who owns it. All of them are in <see
/// cref="KeyPrefixes"/>.
/// </summary>
public readonly record struct KeyPrefix
{
    public const int Size = 4;

    private readonly uint _bigEndian;

    internal KeyPrefix(string name)
    {
        ThreeFs.Base.Invariant.Check(
            name.Length == Size && name.All(c => c is > ' ' and < '\x7F'),
            "a key prefix is four ASCII letters");
        foreach (var c in name) _bigEndian = _bigEndian << 8 | c;
    }

    public uint Value => _bigEndian;

    public void Write(Span<byte> destination) =>
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(destination, _bigEndian);

    public byte[] ToArray()
    {
        var bytes = new byte[Size];
        Write(bytes);
        return bytes;
    }

    /// <summary>Every key of this prefix.</summary>
    public KvKeyRange Range => KvKeyRange.WithPrefix(ToArray());

    public override string ToString() => Encoding.ASCII.GetString(ToArray());
}
