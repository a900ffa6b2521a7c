using ThreeFs.Base;
using ThreeFs.Io;

namespace ThreeFs.Transport;

/// <summary>
/// Which reactor gets the next connection: the caller's, when it is one of these and runs now, else the next in turn.
/// </summary>
internal sealed class ReactorTurn
{
    private readonly IReadOnlyList<Reactor> _reactors;
    private int _turn;

    public ReactorTurn(IReadOnlyList<Reactor> reactors)
    {
        Invariant.Check(reactors.Count > 0, "a transport has a reactor");
        _reactors = reactors;
    }

    public IReadOnlyList<Reactor> All => _reactors;

    public Reactor Next(out bool isHere)
    {
        var current = Reactor.Current;
        isHere = current is not null && _reactors.Contains(current);
        return isHere ? current! : _reactors[(int)((uint)Interlocked.Increment(ref _turn) % (uint)_reactors.Count)];
    }
}
