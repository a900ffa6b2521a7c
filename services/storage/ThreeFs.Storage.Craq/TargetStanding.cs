using ThreeFs.Base;
using ThreeFs.Contracts.Routing;

namespace ThreeFs.Storage.Craq;

/// <summary>
/// What a target says of itself in heartbeats, and when it may vouch for its content. Pure: routing in, state out.
/// </summary>
/// <remarks>
/// UpToDate is reached in two ways only: the target was the last one serving and mgmtd, having heard that it is back, made it
/// serve again; or its predecessor said that it has everything (<see cref="SyncDone"/>) under the version of the chain that is
/// still current. It is lost with the process, with every public state but Serving, and with a chain version that changes
/// while syncing. So a process that starts and finds its target Serving does not serve: it reports Online, mgmtd takes the
/// target out under a new version, and the way back leads through LastServing or a resync (the restart fence).
/// </remarks>
public readonly record struct TargetStanding(LocalTargetState Local, ChainVersion Acted, TargetState? Seen)
{
    public static readonly TargetStanding Started = new(LocalTargetState.Online, default, null);

    /// <summary>Routing shows the target at this place.</summary>
    public TargetStanding Observe(ChainPlace place)
    {
        var version = place.Chain.Version;
        var next = (Local, place.State) switch
        {
            (LocalTargetState.Offline, _) => LocalTargetState.Offline,
            (LocalTargetState.UpToDate, TargetState.Serving) => LocalTargetState.UpToDate,
            (LocalTargetState.UpToDate, TargetState.Syncing) when version == Acted => LocalTargetState.UpToDate,
            (_, TargetState.Serving) when Seen == TargetState.LastServing => LocalTargetState.UpToDate,
            _ => LocalTargetState.Online,
        };
        return new TargetStanding(next, place.State is null ? default : version, place.State);
    }

    /// <summary>The target waits to be made serving again without a resync: what it holds is all there is.</summary>
    public bool BecomesAuthority(ChainPlace place) =>
        Local == LocalTargetState.Online && place.State == TargetState.Serving && Seen == TargetState.LastServing;

    /// <summary>The predecessor has sent everything, under the version this target acts on.</summary>
    public TargetStanding SyncDone() => this with { Local = LocalTargetState.UpToDate };

    /// <summary>
    /// Stops serving because an operator wants it so, as after a restart: mgmtd sees a Serving target that does not vouch for its content
    /// and takes it out under a new version, or, when nobody else is left, waits for it and makes it serve again. Nothing is answered
    /// in between, so no reader can miss what others acknowledge meanwhile.
    /// </summary>
    public TargetStanding StepDown() =>
        Local == LocalTargetState.UpToDate && Seen == TargetState.Serving ? this with { Local = LocalTargetState.Online } : this;

    /// <summary>The target must not serve: its disk failed, or its content cannot be trusted.</summary>
    public TargetStanding Fail() => this with { Local = LocalTargetState.Offline };

    /// <summary>
    /// A failed target that is out of service may come back and sync. As the last one serving it may not, because nobody could tell it
    /// what it should have, unless its content is trusted: it was its disk that was too slow, and nothing is missing.
    /// </summary>
    public TargetStanding Recover(bool contentIsTrusted = false)
    {
        var isOut = Seen is not (TargetState.Serving or TargetState.Syncing) && (contentIsTrusted || Seen != TargetState.LastServing);
        return Local == LocalTargetState.Offline && isOut ? this with { Local = LocalTargetState.Online } : this;
    }
}
