using System.Runtime.CompilerServices;

namespace ThreeFs.Native.Abi;

/// <summary>A rule for everything that programs call directly.</summary>
internal static class Export
{
    /// <summary>
    /// For methods below an export that allocate on the stack. The runtime starts with the first call into the library,
    /// inside that call, and chooses the guard value of stack buffers then: an export with such a buffer of its own has
    /// taken the guard before, finds another one when it returns, and ends the process. So exports have none, and none
    /// is inlined into them.
    /// </summary>
    public const MethodImplOptions NotInline = MethodImplOptions.NoInlining;
}
