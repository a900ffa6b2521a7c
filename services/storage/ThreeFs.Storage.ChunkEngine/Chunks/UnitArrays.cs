using System.Numerics;
using ThreeFs.Base;

namespace ThreeFs.Storage.ChunkEngine.Chunks;

/// <summary>
/// Reused arrays with one element a unit, in powers of two: checksums, and addresses of overlay content. One owner's thread.
/// </summary>
internal sealed class UnitArrays
{
    private const int MinShift = 3;
    private const int MaxShift = 14;
    private const int MaxPooled = 32 * 1024;

    private readonly Stack<uint[]>[] _checksums = Make<uint[]>();
    private readonly Stack<nint[]>[] _addresses = Make<nint[]>();

    /// <summary>At least <paramref name="count"/> elements with undefined content.</summary>
    public uint[] RentChecksums(int count) =>
        _checksums[ClassOf(count)].TryPop(out var array) ? array : new uint[1 << (ClassOf(count) + MinShift)];

    /// <summary>At least <paramref name="count"/> elements with undefined content.</summary>
    public nint[] RentAddresses(int count) =>
        _addresses[ClassOf(count)].TryPop(out var array) ? array : new nint[1 << (ClassOf(count) + MinShift)];

    public void Return(uint[]? array)
    {
        if (array is not null) Return(_checksums, array);
    }

    public void Return(nint[]? array)
    {
        if (array is not null) Return(_addresses, array);
    }

    private static void Return<T>(Stack<T[]>[] pools, T[] array)
    {
        var pool = pools[ClassOf(array.Length)];
        if (pool.Count < MaxPooled >> ClassOf(array.Length)) pool.Push(array);
    }

    private static int ClassOf(int count)
    {
        Invariant.Check(count is > 0 and <= 1 << MaxShift, "a chunk has at most 16384 units");
        return Math.Max(0, BitOperations.Log2((uint)count * 2 - 1) - MinShift);
    }

    private static Stack<T>[] Make<T>()
    {
        var pools = new Stack<T>[MaxShift - MinShift + 1];
        for (var i = 0; i < pools.Length; i++) pools[i] = new Stack<T>();
        return pools;
    }
}
