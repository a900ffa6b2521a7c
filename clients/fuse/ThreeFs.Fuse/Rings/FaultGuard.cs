using System.Buffers.Binary;
using System.Runtime.InteropServices;
using LibC = ThreeFs.UsrbIo.Linux.LibC;

namespace ThreeFs.Fuse.Rings;

/// <summary>
/// Keeps SIGBUS from ending this process when an application cuts a file of shared memory that is mapped here: the page
/// that is gone is replaced by an empty one of this process, and the access that met it is repeated. The application has
/// then lost its connection with that page, and nobody else has lost anything.
/// </summary>
/// <remarks>
/// A signal that a memory access raises is delivered in the middle of managed code, where no managed code may run. So
/// the handler is machine code, which only calls mmap(2); for every other address it goes on to the handler that was
/// there before, the runtime's. It has no state: the bounds and the handler before it are written into the code.
/// x86-64 only; elsewhere there is no guard.
/// </remarks>
internal static unsafe partial class FaultGuard
{
    private const int Sigbus = 7;
    private const int Page = 4096;
    private const int PROT_EXEC = 4;

    // Of void handler(int signal, siginfo_t *info, void *context), arguments in rdi, rsi and rdx.
    private static ReadOnlySpan<byte> Template =>
    [
        0x48, 0x8B, 0x46, 0x10,                         // mov rax, [rsi + 16]        the address
        0x48, 0xB9, 0, 0, 0, 0, 0, 0, 0, 0,             // mov rcx, first
        0x48, 0x39, 0xC8,                               // cmp rax, rcx
        0x72, 0x48,                                     // jb other
        0x48, 0xB9, 0, 0, 0, 0, 0, 0, 0, 0,             // mov rcx, end
        0x48, 0x39, 0xC8,                               // cmp rax, rcx
        0x73, 0x39,                                     // jae other
        0x57, 0x56, 0x52,                               // push rdi, rsi, rdx
        0x48, 0x25, 0x00, 0xF0, 0xFF, 0xFF,             // and rax, -4096
        0x48, 0x89, 0xC7,                               // mov rdi, rax
        0xBE, 0x00, 0x10, 0x00, 0x00,                   // mov esi, 4096
        0xBA, 0x03, 0x00, 0x00, 0x00,                   // mov edx, PROT_READ | PROT_WRITE
        0x41, 0xBA, 0x32, 0x00, 0x00, 0x00,             // mov r10d, MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS
        0x49, 0xC7, 0xC0, 0xFF, 0xFF, 0xFF, 0xFF,       // mov r8, -1
        0x45, 0x31, 0xC9,                               // xor r9d, r9d
        0xB8, 0x09, 0x00, 0x00, 0x00,                   // mov eax, mmap
        0x0F, 0x05,                                     // syscall
        0x5A, 0x5E, 0x5F,                               // pop rdx, rsi, rdi
        0x48, 0x3D, 0x00, 0xF0, 0xFF, 0xFF,             // cmp rax, -4096
        0x77, 0x01,                                     // ja other
        0xC3,                                           // ret                        to the access, once more
        0x48, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0,             // other: mov rax, before
        0xFF, 0xE0,                                     // jmp rax
    ];

    private const int FirstAt = 6, EndAt = 21, BeforeAt = 93;

    /// <summary>Guards the addresses from one to another. False when this machine, or this process, does not allow it.</summary>
    public static bool Install(nint first, nint end)
    {
        if (RuntimeInformation.ProcessArchitecture != Architecture.X64) return false;
        SignalAction action;
        if (SignalAction.Exchange(Sigbus, null, &action) != 0 || action.Handler is 0 or 1) return false;
        var code = (byte*)LibC.Map(
            null, Page, LibC.PROT_READ | LibC.PROT_WRITE, LibC.MAP_PRIVATE | LibC.MAP_ANONYMOUS, -1, 0);
        if (code == LibC.MapFailed) return false;
        var text = new Span<byte>(code, Page);
        Template.CopyTo(text);
        BinaryPrimitives.WriteInt64LittleEndian(text[FirstAt..], first);
        BinaryPrimitives.WriteInt64LittleEndian(text[EndAt..], end);
        BinaryPrimitives.WriteInt64LittleEndian(text[BeforeAt..], action.Handler);
        if (LibC.Protect(code, Page, LibC.PROT_READ | PROT_EXEC) != 0) return false;

        // Flags and mask stay: an alternate stack, and the arguments of a handler that wants to know the address.
        action.Handler = (nint)code;
        return SignalAction.Exchange(Sigbus, &action, null) == 0;
    }

    /// <summary>struct sigaction of the C library, x86-64.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 152)]
    private partial struct SignalAction
    {
        [FieldOffset(0)] public nint Handler;
        [FieldOffset(136)] public int Flags;

        [LibraryImport("libc", EntryPoint = "sigaction")]
        public static partial int Exchange(int signal, SignalAction* action, SignalAction* before);
    }
}
