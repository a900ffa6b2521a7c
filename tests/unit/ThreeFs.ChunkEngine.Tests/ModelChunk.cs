using ThreeFs.Base;
using ThreeFs.Contracts.Storage;
using ThreeFs.Storage.ChunkEngine;

namespace ThreeFs.Storage.Tests.ChunkEngine;

/// <summary>A chunk as a plain byte array, with every state it had since the last flush.</summary>
internal sealed class ModelChunk(ChunkId id)
{
    /// <param name="Committed">Null: no such content.</param>
    /// <param name="IsCommit">The step from the state before was a commit, which a restart may take back unless flushed.</param>
    public sealed record State(
        ulong Version, byte[]? Committed, ulong PendingVersion, byte[]? Pending, bool PendingRemove, bool IsCommit);

    public static readonly State Nothing = new(0, null, 0, null, false, false);

    public ChunkId Id { get; } = id;

    /// <summary>States since the last flush; the first is flushed, the last is current.</summary>
    public List<State> History { get; } = [Nothing];

    /// <summary>Number of the first element of <see cref="History"/>.</summary>
    public int Base { get; private set; }

    public State Current => History[^1];

    public bool IsBusy { get; set; }

    /// <summary>The state a running operation makes if it gets through.</summary>
    public State? InFlight { get; set; }

    public int Mark => Base + History.Count - 1;

    public void Push(State state) => History.Add(state);

    public void Flushed(int mark)
    {
        if (mark <= Base) return;
        History.RemoveRange(0, mark - Base);
        Base = mark;
    }

    /// <summary>States that a restart may show.</summary>
    public IEnumerable<State> Allowed(bool losesPower)
    {
        if (InFlight is not null) yield return InFlight;
        for (var i = History.Count - 1; i >= 0; i--)
        {
            yield return History[i];
            if (!losesPower && !History[i].IsCommit) break;
        }
    }

    public void Restarted(State observed)
    {
        History.Clear();
        History.Add(observed with { IsCommit = false });
        Base = 0;
        IsBusy = false;
        InFlight = null;
    }

    public static byte[] Updated(byte[]? old, UpdateKind kind, uint offset, byte[] payload, uint length)
    {
        old ??= [];
        switch (kind)
        {
            case UpdateKind.Replace:
                return payload;
            case UpdateKind.Write:
                var written = new byte[Math.Max(old.Length, offset + payload.Length)];
                old.CopyTo(written, 0);
                payload.CopyTo(written, offset);
                return written;
            default:
                if (kind == UpdateKind.Extend && length < old.Length) length = (uint)old.Length;
                var resized = new byte[length];
                old.AsSpan(0, (int)Math.Min(length, old.Length)).CopyTo(resized);
                return resized;
        }
    }

    public static bool Matches(State expected, in ChunkState found) =>
        found.Committed.Version.Value == expected.Version
        && found.Pending.Version.Value == expected.PendingVersion
        && found.Pending.IsRemove == expected.PendingRemove
        && (expected.Committed is null || (found.Committed.Length == expected.Committed.Length
            && found.Committed.Crc == Crc32C.Compute(expected.Committed)))
        && (expected.Pending is null || (found.Pending.Length == expected.Pending.Length
            && found.Pending.Crc == Crc32C.Compute(expected.Pending)));
}
