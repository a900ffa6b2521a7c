using ThreeFs.Base;
using ThreeFs.Contracts.Mgmtd;
using ThreeFs.Contracts.Routing;
using ThreeFs.Mgmtd.Chains;

namespace ThreeFs.Mgmtd.State;

/// <summary>The last accepted report about a target, in a chain or not; forgotten with the term.</summary>
internal sealed class LiveTarget(TargetId id)
{
    public TargetId Id { get; } = id;
    public NodeId Node { get; private set; }
    public LocalTargetState State { get; private set; }

    /// <summary>The chain version the report was about.</summary>
    public ChainVersion ActedOn { get; private set; }

    /// <summary>Restarts of its server seen so far.</summary>
    public int Restarts { get; set; }

    /// <summary>
    /// How many of them its chain has answered to, by taking it out of Serving and Syncing if it was there.
    /// </summary>
    public int RestartsAnswered { get; set; }

    /// <summary>Reported within the failure timeout.</summary>
    public bool Alive { get; set; }

    public TimeSpan LastSeen { get; private set; }
    public int DiskIndex { get; private set; }
    public long UsedBytes { get; private set; }
    public long CapacityBytes { get; private set; }
    public bool LowSpace { get; private set; }

    /// <summary>
    /// Takes a report in. A report about an older version of the chain proves life and nothing else, unless it says
    /// that the target failed.
    /// </summary>
    /// <param name="current">The chain's version; 0 for a target in no chain.</param>
    public ReportNews Accept(LocalTarget report, NodeId node, ChainVersion current, TimeSpan now)
    {
        var shown = (Node, State, Alive, DiskIndex, LowSpace);
        var (acted, space) = (ActedOn, (UsedBytes, CapacityBytes));
        (Node, Alive, LastSeen) = (node, true, now);
        (DiskIndex, UsedBytes, CapacityBytes, LowSpace) =
            (report.DiskIndex, report.UsedBytes, report.CapacityBytes, report.LowSpace);
        var stale = State != default && report.State != LocalTargetState.Offline
            && report.ChainVersion.Value != 0 && report.ChainVersion < current;
        if (!stale) (State, ActedOn) = (report.State, report.ChainVersion);
        var news = ReportNews.None;
        if (shown != (Node, State, Alive, DiskIndex, LowSpace)) news |= ReportNews.Shown | ReportNews.Decides;
        if (acted != ActedOn) news |= ReportNews.Decides;
        if (space != (UsedBytes, CapacityBytes)) news |= ReportNews.Space;
        return news;
    }

    /// <summary>It joins a chain: what it did in another one says nothing.</summary>
    public void Forget() => ActedOn = default;

    public TargetView View(ChainVersion current)
    {
        if (!Alive || State == LocalTargetState.Offline) return TargetView.Offline;
        if (Restarts != RestartsAnswered || ActedOn.Value == 0) return TargetView.Started;
        if (ActedOn != current) return TargetView.Behind;
        return State == LocalTargetState.UpToDate ? TargetView.UpToDate : TargetView.Online;
    }
}

/// <summary>What a report changed.</summary>
[Flags]
internal enum ReportNews
{
    None = 0,

    /// <summary>The chain may have to change.</summary>
    Decides = 1,

    /// <summary>Routing shows it.</summary>
    Shown = 2,

    Space = 4,
}
