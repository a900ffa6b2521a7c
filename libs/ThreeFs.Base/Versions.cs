using System.Globalization;

namespace ThreeFs.Base;

// The four counters of the system. Each is its own type: a chain version handed in where an update version is
// expected does not compile.

/// <summary>Membership of a chain; raised by mgmtd with every change and carried by every data request as its fencing token.</summary>
public readonly record struct ChainVersion(uint Value) : IComparable<ChainVersion>
{
    public ChainVersion Next => new(Value + 1);
    public int CompareTo(ChainVersion other) => Value.CompareTo(other.Value);
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
    public static bool operator <(ChainVersion a, ChainVersion b) => a.Value < b.Value;
    public static bool operator >(ChainVersion a, ChainVersion b) => a.Value > b.Value;
    public static bool operator <=(ChainVersion a, ChainVersion b) => a.Value <= b.Value;
    public static bool operator >=(ChainVersion a, ChainVersion b) => a.Value >= b.Value;
}

/// <summary>Version of a chunk's newest content on a replica, committed or pending. 0: the chunk does not exist.</summary>
public readonly record struct UpdateVersion(ulong Value) : IComparable<UpdateVersion>
{
    public UpdateVersion Next => new(Value + 1);
    public int CompareTo(UpdateVersion other) => Value.CompareTo(other.Value);
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
    public static bool operator <(UpdateVersion a, UpdateVersion b) => a.Value < b.Value;
    public static bool operator >(UpdateVersion a, UpdateVersion b) => a.Value > b.Value;
    public static bool operator <=(UpdateVersion a, UpdateVersion b) => a.Value <= b.Value;
    public static bool operator >=(UpdateVersion a, UpdateVersion b) => a.Value >= b.Value;
}

/// <summary>Version of a chunk's content that every replica of the chain has. 0: nothing committed yet.</summary>
public readonly record struct CommitVersion(ulong Value) : IComparable<CommitVersion>
{
    public int CompareTo(CommitVersion other) => Value.CompareTo(other.Value);
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
    public static bool operator <(CommitVersion a, CommitVersion b) => a.Value < b.Value;
    public static bool operator >(CommitVersion a, CommitVersion b) => a.Value > b.Value;
    public static bool operator <=(CommitVersion a, CommitVersion b) => a.Value <= b.Value;
    public static bool operator >=(CommitVersion a, CommitVersion b) => a.Value >= b.Value;
}

/// <summary>Version of a whole routing snapshot; a client never goes back to a smaller one.</summary>
public readonly record struct RoutingVersion(ulong Value) : IComparable<RoutingVersion>
{
    public RoutingVersion Next => new(Value + 1);
    public int CompareTo(RoutingVersion other) => Value.CompareTo(other.Value);
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
    public static bool operator <(RoutingVersion a, RoutingVersion b) => a.Value < b.Value;
    public static bool operator >(RoutingVersion a, RoutingVersion b) => a.Value > b.Value;
    public static bool operator <=(RoutingVersion a, RoutingVersion b) => a.Value <= b.Value;
    public static bool operator >=(RoutingVersion a, RoutingVersion b) => a.Value >= b.Value;
}

/// <summary>Version of a chain table; old ones are kept because file layouts refer to them.</summary>
public readonly record struct ChainTableVersion(uint Value) : IComparable<ChainTableVersion>
{
    public ChainTableVersion Next => new(Value + 1);
    public int CompareTo(ChainTableVersion other) => Value.CompareTo(other.Value);
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>Raised when a file shrinks, so that a length reported from before the truncation is recognised as stale.</summary>
public readonly record struct TruncateVersion(uint Value) : IComparable<TruncateVersion>
{
    public TruncateVersion Next => new(Value + 1);
    public int CompareTo(TruncateVersion other) => Value.CompareTo(other.Value);
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}
