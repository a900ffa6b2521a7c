using System.Globalization;

namespace ThreeFs.Sim.World;

/// <summary>What happened, for people; and a number that differs when two runs differ in any event.</summary>
internal sealed class Timeline(SimWorld world)
{
    private const int Kept = 4000;

    private readonly Queue<string> _lines = new();
    private ulong _hash = 14695981039346656037;

    public ulong Hash => _hash;

    /// <summary>Rare branches that were reached, by name.</summary>
    public SortedDictionary<string, int> Probes { get; } = new(StringComparer.Ordinal);

    public void Count(SimProcess? owner)
    {
        Mix((ulong)world.Now);
        if (owner is not null) Mix((ulong)owner.Name.Length + owner.Name[^1]);
    }

    public void Write(string who, string what)
    {
        var line = string.Create(CultureInfo.InvariantCulture, $"{world.Elapsed.TotalSeconds,9:0.0000} {who,-12} {what}");
        foreach (var c in line) Mix(c);
        _lines.Enqueue(line);
        if (_lines.Count > Kept) _lines.Dequeue();
    }

    public void Probe(string name) => Probes[name] = Probes.GetValueOrDefault(name) + 1;

    public override string ToString() => string.Join('\n', _lines);

    private void Mix(ulong value) => _hash = (_hash ^ value) * 1099511628211;
}
