using System.Buffers;
using System.Text;
using ThreeFs.Base;

namespace ThreeFs.Kv.FoundationDb;

/// <summary>
/// The part of a database that belongs to one ThreeFs cluster: every key starts with the tuple ("threefs", cluster id)
/// in FoundationDB's tuple encoding, so that no cluster's prefix is the start of another's and FoundationDB's tools can
/// name the range. Its keys are between <see cref="Prefix"/> and <see cref="End"/>.
/// </summary>
internal sealed class Subspace
{
    private const byte TextCode = 0x02;

    private readonly byte[] _prefix;

    private Subspace(byte[] prefix)
    {
        _prefix = prefix;
        End = [.. prefix, 0xFF];
    }

    public ReadOnlySpan<byte> Prefix => _prefix;

    /// <summary>Behind every key: those of the contract do not start with 0xFF.</summary>
    public byte[] End { get; }

    public static Result<Subspace> Of(string clusterId)
    {
        byte[] prefix = [.. Encode("threefs"), .. Encode(clusterId)];
        if (clusterId.Length > 0 && prefix.Length <= KvLimits.MaxPrefixBytes) return new Subspace(prefix);
        return new Status(
            StatusCode.InvalidArgument,
            $"cluster_id = \"{clusterId}\" cannot name a part of a FoundationDB database: "
            + $"it and its frame have {prefix.Length} bytes, 1 to {KvLimits.MaxPrefixBytes} are allowed");
    }

    /// <summary>Text of a tuple: its bytes, 00 as 00 FF, between the code of texts and 00.</summary>
    private static IEnumerable<byte> Encode(string text)
    {
        yield return TextCode;
        foreach (var b in Encoding.UTF8.GetBytes(text))
        {
            yield return b;
            if (b == 0) yield return 0xFF;
        }

        yield return 0;
    }
}

/// <summary>
/// A key with the prefix of its subspace in front and possibly something behind, in the caller's buffer or, when that
/// is too small, in a rented one.
/// </summary>
internal ref struct FullKey
{
    /// <summary>Enough for all keys but absurd ones.</summary>
    public const int Typical = 512;

    private readonly Span<byte> _key;
    private readonly byte[]? _rented;

    public FullKey(Subspace subspace, ReadOnlySpan<byte> key, Span<byte> buffer, int extra = 0)
    {
        var length = subspace.Prefix.Length + key.Length + extra;
        if (length > buffer.Length) buffer = _rented = ArrayPool<byte>.Shared.Rent(length);
        _key = buffer[..length];
        subspace.Prefix.CopyTo(_key);
        key.CopyTo(_key[subspace.Prefix.Length..]);
    }

    public readonly Span<byte> Span => _key;

    public readonly void Dispose()
    {
        if (_rented is not null) ArrayPool<byte>.Shared.Return(_rented);
    }
}
