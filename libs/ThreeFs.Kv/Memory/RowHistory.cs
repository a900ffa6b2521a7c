namespace ThreeFs.Kv;

/// <summary>The versions of one row, oldest first; null is "cleared".</summary>
internal sealed class RowHistory
{
    private readonly List<(KvVersion Version, byte[]? Value)> _values = new(1);

    /// <summary>The newest value not above <paramref name="version"/>.</summary>
    public byte[]? At(KvVersion version)
    {
        for (var i = _values.Count - 1; i >= 0; i--)
            if (_values[i].Version <= version) return _values[i].Value;
        return null;
    }

    /// <summary>Within one version the last write wins.</summary>
    public void Add(KvVersion version, byte[]? value)
    {
        if (_values.Count > 0 && _values[^1].Version == version) _values[^1] = (version, value);
        else _values.Add((version, value));
    }

    /// <summary>Takes back what was written above <paramref name="version"/>; false when nothing is left.</summary>
    public bool Undo(KvVersion version)
    {
        _values.RemoveAll(value => value.Version > version);
        return _values.Count > 0;
    }

    /// <summary>
    /// Forgets what no snapshot at or above <paramref name="floor"/> sees; false when nothing is left.
    /// </summary>
    public bool Trim(KvVersion floor)
    {
        var visible = _values.FindLastIndex(value => value.Version <= floor);
        if (visible > 0) _values.RemoveRange(0, visible);
        if (_values.Count == 0) return false;
        return _values.Count > 1 || _values[0].Value is not null || _values[0].Version > floor;
    }
}
