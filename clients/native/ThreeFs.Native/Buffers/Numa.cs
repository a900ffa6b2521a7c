using System.Runtime.InteropServices;

namespace ThreeFs.Native.Buffers;

/// <summary>Wishes where memory should lie.</summary>
internal static unsafe partial class Numa
{
    private const int MbindNumber = 237;
    private const int MpolPreferred = 1;

    /// <summary>
    /// Asks for pages of a node; where there are no nodes, or not this one, pages come from anywhere.
    /// </summary>
    public static void Prefer(byte* memory, nuint size, int node)
    {
        if (node is < 0 or >= 64) return;
        var mask = 1UL << node;
        Syscall(MbindNumber, memory, size, MpolPreferred, &mask, 65, 0);
    }

    [LibraryImport("libc", EntryPoint = "syscall")]
    private static partial nint Syscall(
        nint number, void* address, nuint length, int mode, ulong* mask, nuint maxNode, uint flags);
}
