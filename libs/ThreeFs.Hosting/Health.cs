using System.Collections.Concurrent;

namespace ThreeFs.Hosting;

/// <summary>
/// Readiness of a process as the sum of its parts: ready when every part that has reported is. Parts report changes under a
/// fixed name; a part that never reports does not count.
/// </summary>
public sealed class Health
{
    private readonly ConcurrentDictionary<string, string?> _parts = new();

    /// <summary>The part works.</summary>
    public void Ready(string part) => _parts[part] = null;

    /// <summary>The part does not work, and why, in words for an operator.</summary>
    public void NotReady(string part, string reason) => _parts[part] = reason;

    public bool IsReady => !_parts.IsEmpty && _parts.Values.All(reason => reason is null);

    /// <summary>Every part with its reason, null for a ready one, ordered by name.</summary>
    public IReadOnlyList<(string Part, string? Reason)> Parts =>
        _parts.OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => (p.Key, p.Value)).ToArray();
}
