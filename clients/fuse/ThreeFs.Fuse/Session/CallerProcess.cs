using System.Buffers.Text;
using System.Collections.Immutable;

namespace ThreeFs.Fuse.Session;

/// <summary>
/// What /proc tells about the thread behind a request. A thread that is gone, or not visible from here (another pid
/// namespace), has no groups and is not being killed.
/// </summary>
internal static class CallerProcess
{
    private const ulong SigKill = 1UL << 8;

    /// <summary>
    /// A fatal signal is on its way to the thread (the kernel turns each of them into a pending SIGKILL), or has made it
    /// end: then it closes its files, which no further signal interrupts.
    /// </summary>
    public static bool IsBeingKilled(uint pid)
    {
        if (pid == 0 || Read(pid, "status") is not { } status) return false;
        return (Hex(status, "SigPnd:"u8) & SigKill) != 0 || (Hex(status, "ShdPnd:"u8) & SigKill) != 0
            || (Read(pid, "stat") is { } stat && EndsBySignal(stat));
    }

    /// <summary>Of /proc/PID/stat: the thread is exiting, and not because it called exit(2).</summary>
    internal static bool EndsBySignal(ReadOnlySpan<byte> stat)
    {
        const int flagsField = 9, exitCodeField = 52, stateField = 3;
        const ulong exiting = 0x4, signalBits = 0x7F;

        // The name, which may contain anything, is in parentheses; a space and the third field follow.
        var rest = stat[(stat.LastIndexOf((byte)')') + 1)..];
        ulong flags = 0, exitCode = 0;
        for (var field = stateField; field <= exitCodeField && !rest.IsEmpty; field++)
        {
            rest = rest.TrimStart((byte)' ');
            if (field == flagsField) Utf8Parser.TryParse(rest, out flags, out _);
            if (field == exitCodeField) Utf8Parser.TryParse(rest, out exitCode, out _);
            var end = rest.IndexOf((byte)' ');
            rest = end < 0 ? default : rest[end..];
        }

        return (flags & exiting) != 0 && (exitCode & signalBits) != 0;
    }

    /// <summary>The words of its command line; none when it is not visible.</summary>
    public static string[] CommandLine(uint pid) =>
        pid == 0 || Read(pid, "cmdline") is not { Length: > 0 } line
            ? []
            : System.Text.Encoding.UTF8.GetString(line).TrimEnd('\0').Split('\0');

    /// <summary>Supplementary groups.</summary>
    public static ImmutableArray<uint> Groups(uint pid) =>
        pid == 0 || Read(pid, "status") is not { } status ? [] : ParseGroups(status);

    /// <summary>The process of a thread; 0 when it is not visible.</summary>
    public static uint ProcessOf(uint thread) =>
        thread != 0 && Read(thread, "status") is { } status
            && Utf8Parser.TryParse(Line(status, "Tgid:"u8).TrimStart(" \t"u8), out uint process, out _)
            ? process
            : 0;

    internal static ImmutableArray<uint> ParseGroups(ReadOnlySpan<byte> status)
    {
        var groups = ImmutableArray.CreateBuilder<uint>();
        var line = Line(status, "Groups:"u8);
        while (!(line = line.TrimStart(" \t"u8)).IsEmpty && Utf8Parser.TryParse(line, out uint group, out var used))
        {
            groups.Add(group);
            line = line[used..];
        }

        return groups.ToImmutable();
    }

    private static byte[]? Read(uint pid, string file)
    {
        try
        {
            return File.ReadAllBytes($"/proc/{pid}/{file}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static ulong Hex(ReadOnlySpan<byte> status, ReadOnlySpan<byte> key) =>
        Utf8Parser.TryParse(Line(status, key).TrimStart(" \t"u8), out ulong value, out _, 'x') ? value : 0;

    private static ReadOnlySpan<byte> Line(ReadOnlySpan<byte> status, ReadOnlySpan<byte> key)
    {
        while (!status.IsEmpty)
        {
            var end = status.IndexOf((byte)'\n');
            var line = end < 0 ? status : status[..end];
            if (line.StartsWith(key)) return line[key.Length..];
            status = end < 0 ? default : status[(end + 1)..];
        }

        return default;
    }
}
