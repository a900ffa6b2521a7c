using ThreeFs.Base.Memory;
using ThreeFs.Storage.ChunkEngine.Chunks;

namespace ThreeFs.Storage.ChunkEngine.Engine;

/// <summary>
/// Whose places were told: each such chunk has a word in memory that readers see, which changes when the place is not to be used any more.
/// A reader who finds, after it has read the device, the word as it was told, has read the committed content of that moment: every update
/// changes the word before it is acknowledged, and blocks are written in place or given to others only later still.
/// </summary>
/// <remarks>
/// A word is never 0 and never what it was before, so one that goes to another chunk says nothing wrong to who knew it before. When
/// all are taken, the chunk that has had one longest loses it.
/// </remarks>
internal sealed unsafe class PlaceTable
{
    private readonly ulong* _words;
    private readonly ChunkRecord?[] _owners;
    private int _next;

    /// <param name="words">Empty: no place is ever told.</param>
    public PlaceTable(IoMemory words)
    {
        _words = (ulong*)words.Address;
        _owners = new ChunkRecord?[words.Length / sizeof(ulong)];
        for (var i = 0; i < _owners.Length; i++) Volatile.Write(ref _words[i], 1);
    }

    public bool IsEmpty => _owners.Length == 0;

    /// <summary>The chunk's word, and what it is now; given to it if it has none.</summary>
    public (nint Word, ulong Generation) WordOf(ChunkRecord record)
    {
        if (record.PlaceWord < 0)
        {
            if (_owners[_next] is { } before) Revoke(before);
            _owners[_next] = record;
            record.PlaceWord = _next;
            _next = (_next + 1) % _owners.Length;
        }

        var word = _words + record.PlaceWord;
        return ((nint)word, *word);
    }

    /// <summary>Whoever knows a place of the chunk does not use it from now on.</summary>
    public void Revoke(ChunkRecord record)
    {
        if (record.PlaceWord < 0) return;
        // A full fence: what follows, the update's answer above all, is not seen before this.
        Interlocked.Increment(ref _words[record.PlaceWord]);
        _owners[record.PlaceWord] = null;
        record.PlaceWord = -1;
    }

    public void RevokeAll()
    {
        foreach (var owner in _owners)
        {
            if (owner is not null) Revoke(owner);
        }
    }
}
