using System.Globalization;
using ThreeFs.Base;
using ThreeFs.Cli.Dev;
using ThreeFs.Contracts.Routing;
using ThreeFs.Contracts.Storage;

namespace ThreeFs.Cli.Moves;

/// <summary>How far a syncing target is, as the target before it in the chain tells.</summary>
internal sealed record SyncProgress(ChainId Chain, TargetId Target, ResyncReport Report)
{
    private static readonly string[] _units = ["bytes", "KiB", "MiB", "GiB", "TiB"];

    /// <summary>0…1.</summary>
    public double Fraction => Report.TotalChunks == 0
        ? 0
        : Math.Min(1, (double)Report.ComparedChunks / Report.TotalChunks);

    public double BytesPerSecond => Report.Elapsed > TimeSpan.Zero ? Report.SentBytes / Report.Elapsed.TotalSeconds : 0;

    /// <summary>If it goes on as until now; null while nothing can be told.</summary>
    public TimeSpan? Left => Report.ComparedChunks == 0 ? null : Report.Elapsed * ((1 - Fraction) / Fraction);

    /// <summary>
    /// Every target that syncs now. Asks only the servers that send; one that does not answer is left out.
    /// </summary>
    public static async Task<IReadOnlyList<SyncProgress>> ReadAsync(
        ClusterView view, RoutingInfo routing, CancellationToken ct)
    {
        var syncing = routing.Chains.Values.Select(c => (Chain: c, At: IndexOfSyncing(c))).Where(s => s.At > 0)
            .Select(s => (s.Chain.Id, Target: s.Chain.Targets[s.At].Id, Sender: s.Chain.Targets[s.At - 1].Id))
                .OrderBy(s => s.Id).ToArray();
        var reports = new Dictionary<TargetId, ResyncReport>();
        foreach (var node in syncing.Select(s => routing.NodeOf(s.Sender)).OfType<NodeInfo>().DistinctBy(n => n.Id))
        {
            var listed = await view.Storage.Admin.ListTargetsAsync(node.Id, ct);
            if (!listed.TryGet(out var targets)) continue;
            foreach (var target in targets) reports[target.Target] = target.Resync;
        }

        return
        [
            .. syncing.Where(s => reports.TryGetValue(s.Sender, out var r) && r.Successor == s.Target)
                .Select(s => new SyncProgress(s.Id, s.Target, reports[s.Sender])),
        ];
    }

    private static int IndexOfSyncing(ChainInfo chain)
    {
        for (var i = 0; i < chain.Targets.Length; i++)
        {
            if (chain.Targets[i].State == TargetState.Syncing) return i;
        }

        return -1;
    }

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Fraction * 100:0} % ({Report.ComparedChunks} of {Report.TotalChunks} chunks compared, "
        + $"{Size(Report.SentBytes)} sent, "
        + $"{Size((long)BytesPerSecond)}/s, {Outlook})");

    /// <summary>A resync that has sent all but damaged chunks begins anew, without end.</summary>
    private string Outlook => Left is not { } left ? "no estimate yet"
        : Fraction < 1 ? $"{Time(left)} left"
        : Report.IsRunning ? "ends now"
        : "waits to serve; if it stays so, a chunk has no whole copy: threefs fsck names it";

    /// <summary>For people: three digits.</summary>
    public static string Size(long bytes)
    {
        var (unit, value) = (0, (double)bytes);
        while (value >= 1000 && unit < _units.Length - 1) (unit, value) = (unit + 1, value / 1024);
        return string.Create(CultureInfo.InvariantCulture, $"{value:G3} {_units[unit]}");
    }

    public static string Time(TimeSpan time) => time.TotalHours >= 1
        ? string.Create(CultureInfo.InvariantCulture, $"{(int)time.TotalHours} h {time.Minutes} min")
        : time.TotalMinutes >= 1
            ? string.Create(CultureInfo.InvariantCulture, $"{time.Minutes} min {time.Seconds} s")
            : string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0} s");
}
