using ThreeFs.Base;

namespace ThreeFs.Kv.Buffering;

/// <summary>
/// The arithmetic of <see cref="KvMutation"/>, shared by read-your-writes and by the engines' commit.
/// </summary>
internal static class Mutations
{
    public static bool IsKnown(KvMutation mutation) =>
        mutation is KvMutation.Add or KvMutation.Max or KvMutation.ByteMax;

    /// <summary>
    /// The value after the mutation. <paramref name="current"/> is meaningless unless <paramref name="exists"/>.
    /// </summary>
    public static byte[] Apply(KvMutation mutation, bool exists, ReadOnlySpan<byte> current, ReadOnlySpan<byte> operand)
    {
        if (!exists && mutation == KvMutation.ByteMax) return operand.ToArray();
        if (mutation == KvMutation.ByteMax)
            return current.SequenceCompareTo(operand) >= 0 ? current.ToArray() : operand.ToArray();

        var result = new byte[operand.Length];
        if (exists) current[..Math.Min(current.Length, result.Length)].CopyTo(result);
        switch (mutation)
        {
            case KvMutation.Add:
                AddLittleEndian(result, operand);
                return result;
            case KvMutation.Max:
                return CompareLittleEndian(result, operand) >= 0 ? result : operand.ToArray();
            default:
                throw Invariant.Unreachable("mutations are checked when they are buffered");
        }
    }

    private static void AddLittleEndian(Span<byte> sum, ReadOnlySpan<byte> addend)
    {
        var carry = 0;
        for (var i = 0; i < sum.Length; i++)
        {
            carry += sum[i] + addend[i];
            sum[i] = (byte)carry;
            carry >>= 8;
        }
    }

    private static int CompareLittleEndian(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b)
    {
        for (var i = a.Length - 1; i >= 0; i--)
            if (a[i] != b[i]) return a[i].CompareTo(b[i]);
        return 0;
    }
}
