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

    /// <summary>Targets from head to tail, each that does not serve with its state.</summary>
    public static string Of(ChainInfo chain) =>
        string.Join(
            "  ", chain.Targets.Select(t => t.State == TargetState.Serving ? $"{t.Id}" : $"{t.Id}:{Of(t.State)}"));
}
