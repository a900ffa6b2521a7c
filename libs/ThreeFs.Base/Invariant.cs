using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace ThreeFs.Base;

/// <summary>
/// Conditions that hold unless this program is wrong. They stay on in release builds: a wrong self stops before it writes.
/// Wrong input is never checked here, it gets a <see cref="Status"/>.
/// </summary>
public static class Invariant
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Check(
        [DoesNotReturnIf(false)] bool condition,
        [CallerArgumentExpression(nameof(condition))] string what = "")
    {
        if (!condition) Fail(what);
    }

    /// <summary>Marks a place that cannot be reached.</summary>
    [DoesNotReturn]
    public static Exception Unreachable(string what) => throw new InvariantException(what);

    [DoesNotReturn]
    [StackTraceHidden]
    private static void Fail(string what) => throw new InvariantException(what);
}

/// <summary>A broken invariant. Hosts treat it as fatal for the process; the simulator reports it with its seed.</summary>
public sealed class InvariantException(string what) : Exception($"invariant broken: {what}");
