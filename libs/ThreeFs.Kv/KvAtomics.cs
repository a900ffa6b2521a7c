using System.Buffers.Binary;

namespace ThreeFs.Kv;

/// <summary>Typed forms of <see cref="IKvTransaction.Mutate"/> for 64-bit counters stored little-endian.</summary>
public static class KvAtomics
{
    public static void AtomicAdd(this IKvTransaction transaction, ReadOnlySpan<byte> key, long delta)
    {
        Span<byte> operand = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(operand, delta);
        transaction.Mutate(KvMutation.Add, key, operand);
    }

    public static void AtomicMax(this IKvTransaction transaction, ReadOnlySpan<byte> key, ulong value)
    {
        Span<byte> operand = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(operand, value);
        transaction.Mutate(KvMutation.Max, key, operand);
    }

    public static void ByteMax(this IKvTransaction transaction, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) =>
        transaction.Mutate(KvMutation.ByteMax, key, value);

    /// <summary>
    /// Reads a counter written by <see cref="AtomicAdd"/> or <see cref="AtomicMax"/>; a missing one is 0.
    /// </summary>
    public static ulong ReadCounter(this KvValue value)
    {
        Span<byte> bytes = stackalloc byte[8];
        bytes.Clear();
        value.Span[..Math.Min(8, value.Span.Length)].CopyTo(bytes);
        return BinaryPrimitives.ReadUInt64LittleEndian(bytes);
    }
}
