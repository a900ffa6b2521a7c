using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ThreeFs.Native.Abi;
using ThreeFs.UsrbIo;
using ThreeFs.UsrbIo.Linux;

namespace ThreeFs.Native;

/// <summary>
/// Builds a NUL-ended path in memory of the caller; what does not fit is cut, and <see cref="Fits"/> tells.
/// </summary>
internal unsafe ref struct CString(byte* space, int capacity)
{
    private readonly byte* _space = space;
    private int _length;

    public bool Fits { get; private set; } = true;

    public readonly ReadOnlySpan<byte> Text => new(_space, _length);

    public CString Add(scoped ReadOnlySpan<byte> text)
    {
        if (text.Length >= capacity - _length)
        {
            Fits = false;
            text = default;
        }

        text.CopyTo(new Span<byte>(_space + _length, capacity - _length));
        _length += text.Length;
        _space[_length] = 0;
        return this;
    }

    public CString Add(byte* text) => Add(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(text));

    public CString Add(scoped in RegistryKey key)
    {
        Span<byte> name = stackalloc byte[RegistryKey.MaxLength];
        key.TryFormat(name, out var length);
        return Add(name[..length]);
    }

    /// <summary>A random UUID.</summary>
    [MethodImpl(Export.NotInline)]
    public static bool TryNewId(out BufferId id)
    {
        byte* bytes = stackalloc byte[16];
        id = default;
        if (LibC.GetRandom(bytes, 16, 0) != 16) return false;
        bytes[6] = (byte)(bytes[6] & 0x0F | 0x40);
        bytes[8] = (byte)(bytes[8] & 0x3F | 0x80);
        id = *(BufferId*)bytes;
        return true;
    }

    public static int LengthOf(byte* text) => MemoryMarshal.CreateReadOnlySpanFromNullTerminated(text).Length;
}
