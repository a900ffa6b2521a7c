using ThreeFs.Base;
using ThreeFs.Contracts.Routing;

namespace ThreeFs.Mgmtd.Chains;

/// <summary>A target's standing before the rest of its chain is looked at.</summary>
internal enum Standing : byte
{
    /// <summary>Serves and goes on.</summary>
    Serves,
    /// <summary>Served when last heard of; nobody vouches for it yet.</summary>
    Presumed,
    /// <summary>
    /// Served, is up, and cannot vouch for its content: its process restarted. It had every update up to now.
    /// </summary>
    Doubtful,
    /// <summary>Served and is gone. It has every update up to now.</summary>
    Gone,
    /// <summary>The last authority, back and acting on it.</summary>
    LastBack,
    /// <summary>The last authority, not back yet.</summary>
    LastAway,
    /// <summary>Finished syncing under the current version.</summary>
    Synced,
    /// <summary>Goes on syncing.</summary>
    Syncs,
    /// <summary>Was syncing and has to begin anew.</summary>
    Interrupted,
    /// <summary>Up, acts on the current version: may begin to sync.</summary>
    Ready,
    /// <summary>Up, or believed to be; stays in line.</summary>
    Waits,
    /// <summary>Not there, or there without having acted on the current version.</summary>
    Off,
}

/// <summary>
/// The target-state table: the public state of a target and mgmtd's view of it give its standing. Two principles fill
/// it: <em>backwards at once</em> (any doubt takes a target out of Serving and Syncing), and <em>forwards only from the
/// current version</em> (a target is promoted only on a report that it acts on the chain as it is now).
/// <code>
/// public \ view   UpToDate   Online     Behind     Started      Unknown    Offline
/// Serving         Serves     Doubtful   Serves     Doubtful     Presumed   Gone
/// LastServing     LastBack   LastBack   LastAway   LastAway     LastAway   LastAway
/// Syncing         Synced     Syncs      Syncs      Interrupted  Syncs      Off
/// Waiting         Waits      Ready      Waits      Waits        Waits      Off
/// Offline         Waits      Ready      Off        Off          Off        Off
/// </code>
/// UpToDate from Waiting or Offline is not trusted: the target must come back as Online and sync.
/// </summary>
internal static class Standings
{
    public static Standing Of(TargetState state, TargetView view) => (state, view) switch
    {
        (TargetState.Serving, TargetView.UpToDate or TargetView.Behind) => Standing.Serves,
        (TargetState.Serving, TargetView.Online or TargetView.Started) => Standing.Doubtful,
        (TargetState.Serving, TargetView.Unknown) => Standing.Presumed,
        (TargetState.Serving, TargetView.Offline) => Standing.Gone,

        (TargetState.LastServing, TargetView.UpToDate or TargetView.Online) => Standing.LastBack,
        (TargetState.LastServing, _) => Standing.LastAway,

        (TargetState.Syncing, TargetView.UpToDate) => Standing.Synced,
        (TargetState.Syncing, TargetView.Online or TargetView.Behind or TargetView.Unknown) => Standing.Syncs,
        (TargetState.Syncing, TargetView.Started) => Standing.Interrupted,
        (TargetState.Syncing, TargetView.Offline) => Standing.Off,

        (TargetState.Waiting, TargetView.Online) => Standing.Ready,
        (TargetState.Waiting, TargetView.Offline) => Standing.Off,
        (TargetState.Waiting, _) => Standing.Waits,

        (TargetState.Offline, TargetView.Online) => Standing.Ready,
        (TargetState.Offline, TargetView.UpToDate) => Standing.Waits,
        (TargetState.Offline, _) => Standing.Off,

        _ => throw Invariant.Unreachable($"{state} with {view}"),
    };
}
