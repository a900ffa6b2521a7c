using ThreeFs.Contracts.Routing;

namespace ThreeFs.Cli.Admin;

/// <summary>How states and chains are written for operators, the same in every command.</summary>
internal static class Names
{
    public static string Of(TargetState state) => state == TargetState.LastServing
        ? "lastsrv"
        : state.ToString().ToLowerInvariant();

    public static string Of(NodeState state) => state == NodeState.PrimaryMgmtd
        ? "primary"
        : state.ToString().ToLowerInvariant();

    public static string Of(NodeKind kind) => kind.ToString().ToLowerInvariant();

    /// <summary>
    /// Targets from head to tail, each that does not serve with its state, and those that another one replaces marked.
    /// </summary>
    public static string Of(ChainInfo chain) =>
        string.Join("  ", chain.Targets.Select(t => Of(t.Id.Value, Of(t.State), chain.IsLeaving(t.Id))));

    public static string Of(ulong target, string state, bool isLeaving) =>
        (state == Of(TargetState.Serving), isLeaving) switch
        {
            (true, false) => $"{target}",
            (true, true) => $"{target}:leaving",
            (false, false) => $"{target}:{state}",
            (false, true) => $"{target}:{state},leaving",
        };
}
