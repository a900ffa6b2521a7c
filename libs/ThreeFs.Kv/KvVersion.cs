using System.Globalization;

namespace ThreeFs.Kv;

/// <summary>
/// A point in the store's commit order. Never goes back, not even when a power failure undoes relaxed commits.
/// </summary>
public readonly record struct KvVersion(long Value) : IComparable<KvVersion>
{
    /// <summary>No version: nothing was committed.</summary>
    public static KvVersion None => new(-1);

    public int CompareTo(KvVersion other) => Value.CompareTo(other.Value);
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
    public static bool operator <(KvVersion a, KvVersion b) => a.Value < b.Value;
    public static bool operator >(KvVersion a, KvVersion b) => a.Value > b.Value;
    public static bool operator <=(KvVersion a, KvVersion b) => a.Value <= b.Value;
    public static bool operator >=(KvVersion a, KvVersion b) => a.Value >= b.Value;
}
