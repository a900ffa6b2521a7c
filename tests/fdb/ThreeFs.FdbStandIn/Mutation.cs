using System.Buffers.Binary;
using ThreeFs.Kv;

namespace ThreeFs.FdbStandIn;

/// <summary>
/// Atomic mutations. Those of the contract are the engine's own. The others are read and written here, which is what
/// one transaction at a time can see of them: enough to show that the binding passes them on.
/// </summary>
internal static class Mutation
{
    private const int Add = 2, And = 6, Or = 7, Xor = 8, AppendIfFits = 9, Max = 12, Min = 13, StampedKey = 14,
        StampedValue = 15, ByteMin = 16, ByteMax = 17, CompareAndClear = 20;

    /// <summary>0, or the code that the transaction fails with.</summary>
    public static int Apply(IKvTransaction transaction, int mutation, byte[] key, byte[] operand)
    {
        switch (mutation)
        {
            case Add or Max or ByteMax:
                transaction.Mutate((KvMutation)mutation, key, operand);
                return 0;
            case StampedKey when TryOffset(key, out var offset):
                transaction.SetVersionstampedKey(key.AsSpan()[..^4], offset, operand);
                return 0;
            case StampedValue when TryOffset(operand, out var offset):
                transaction.SetVersionstampedValue(key, operand.AsSpan()[..^4], offset);
                return 0;
            case StampedKey or StampedValue:
                return Errors.ClientInvalidOperation;
            case And or Or or Xor or AppendIfFits or Min or ByteMin or CompareAndClear:
                var old = transaction.GetAsync(key, snapshot: true).Result.Value.Bytes;
                if (Result(mutation, old, operand) is { } value) transaction.Set(key, value);
                else transaction.Clear(key);
                return 0;
            default:
                return Errors.InvalidMutationType;
        }
    }

    private static bool TryOffset(byte[] stamped, out int offset)
    {
        offset = stamped.Length < 4 ? -1 : BinaryPrimitives.ReadInt32LittleEndian(stamped.AsSpan()[^4..]);
        return offset >= 0 && offset <= stamped.Length - 4 - Versionstamp.Size;
    }

    /// <summary>The value afterwards, null for none.</summary>
    private static byte[]? Result(int mutation, byte[]? old, byte[] operand)
    {
        if (mutation == CompareAndClear) return old is not null && old.AsSpan().SequenceEqual(operand) ? null : old;
        if (mutation == AppendIfFits) return [.. old ?? [], .. operand];
        if (old is null && mutation is And or Min or ByteMin) return operand;
        if (mutation == ByteMin) return old.AsSpan().SequenceCompareTo(operand) <= 0 ? old : operand;
        var result = new byte[operand.Length];
        old?.AsSpan(0, Math.Min(old.Length, result.Length)).CopyTo(result);
        if (mutation == Min) return Compare(result, operand) <= 0 ? result : operand;
        for (var i = 0; i < result.Length; i++)
            result[i] = (byte)(mutation == And ? result[i] & operand[i]
                : mutation == Or ? result[i] | operand[i] : result[i] ^ operand[i]);
        return result;
    }

    private static int Compare(byte[] a, byte[] b)
    {
        for (var i = a.Length - 1; i >= 0; i--)
            if (a[i] != b[i]) return a[i].CompareTo(b[i]);
        return 0;
    }
}
