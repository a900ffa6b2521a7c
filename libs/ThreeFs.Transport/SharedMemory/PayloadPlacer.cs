using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Base.Tasks;
using ThreeFs.Io.SharedMemory;
using ThreeFs.Transport.Frames;

namespace ThreeFs.Transport.SharedMemory;

/// <summary>
/// Puts payloads where a peer can read them: those that already lie in the arena are named, others are copied into
/// it. Thread-safe.
/// </summary>
internal sealed class PayloadPlacer(SharedArena arena, BufferPool copies)
{
    private const int LargestBuffer = 1 << BufferPool.MaxShift;

    private readonly BoundedPool<PayloadPlace> _places = new(4096);

    public SharedArena Arena => arena;

    /// <summary>False when the arena has no room for a copy. Null for no payload.</summary>
    public bool TryPlace(in IoSlices payload, out PayloadPlace? place)
    {
        place = null;
        if (payload.IsEmpty) return true;
        place = _places.TryTake() ?? new PayloadPlace(_places);
        for (var i = 0; i < payload.Count; i++)
        {
            var piece = payload[i];
            if (piece.IsEmpty) continue;
            if (!arena.TryLocate(piece, out var offset)) return TryCopy(payload, ref place);
            place.Add(offset, piece.Length);
        }

        return true;
    }

    private bool TryCopy(in IoSlices payload, ref PayloadPlace? place)
    {
        var copied = 0L;
        place!.Clear();
        while (copied < payload.TotalLength)
        {
            var part = (int)Math.Min(LargestBuffer, payload.TotalLength - copied);
            var lease = copies.TryRent(part);
            if (lease is null)
            {
                place.Dispose();
                place = null;
                return false;
            }

            place.Own(lease);
            payload.CopyTo(copied, lease.Memory.Span[..part]);
            Invariant.Check(arena.TryLocate(lease.Memory, out var offset), "the buffers for copies are the arena's");
            place.Add(offset, part);
            copied += part;
        }

        return true;
    }
}
