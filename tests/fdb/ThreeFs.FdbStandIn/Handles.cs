using System.Collections.Concurrent;

namespace ThreeFs.FdbStandIn;

/// <summary>
/// What the caller holds are numbers that are never used again, so that a call with a handle that was destroyed is
/// noticed where the real library would read freed memory: it is counted as a violation and answered with an error.
/// </summary>
internal static class Handles
{
    private static readonly ConcurrentDictionary<nint, object> _objects = new();
    private static long _last = 0x1000;
    private static long _violations;

    public static long Violations => Volatile.Read(ref _violations);

    /// <summary>The first one, for the test's message.</summary>
    public static string? FirstViolation { get; private set; }

    public static nint Add(object instance)
    {
        var handle = (nint)Interlocked.Add(ref _last, 16);
        _objects[handle] = instance;
        return handle;
    }

    public static T? Get<T>(nint handle, string call)
        where T : class
    {
        if (_objects.TryGetValue(handle, out var instance) && instance is T found) return found;
        Violate($"{call} with a handle that is no {typeof(T).Name} or was destroyed");
        return null;
    }

    public static T? Remove<T>(nint handle, string call)
        where T : class
    {
        var found = Get<T>(handle, call);
        if (found is not null) _objects.TryRemove(handle, out _);
        return found;
    }

    public static int Count<T>() => _objects.Values.Count(instance => instance is T);

    public static void Violate(string what)
    {
        if (Interlocked.Increment(ref _violations) == 1) FirstViolation = what;
    }
}
