using System.Collections.Immutable;
using ThreeFs.Base;

namespace ThreeFs.Client.Mgmtd;

/// <summary>How a process reaches the cluster manager.</summary>
/// <param name="Addresses">"host:port" of every mgmtd's gRPC endpoint, in any order.</param>
public sealed record MgmtdClientOptions(ImmutableArray<string> Addresses)
{
    /// <summary>Longest wait for one answer of one mgmtd.</summary>
    public TimeSpan CallTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How long an administrative call keeps looking for a primary before it fails. Polling calls never wait.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Pause between two rounds over the addresses.</summary>
    public TimeSpan RetryDelay { get; init; } = TimeSpan.FromMilliseconds(100);

    public Status Validate()
    {
        if (Addresses.IsDefaultOrEmpty) return new Status(StatusCode.InvalidArgument, "mgmtd: no address of a cluster manager is given");
        foreach (var address in Addresses)
        {
            if (!IsAddress(address))
                return new Status(StatusCode.InvalidArgument, $"mgmtd: \"{address}\" is not of the form host:port");
        }

        return Status.Ok;
    }

    internal static bool IsAddress(string address) =>
        Uri.TryCreate($"http://{address}", UriKind.Absolute, out var uri) && uri.Port > 0 && uri.PathAndQuery == "/"
        && address.EndsWith($":{uri.Port}", StringComparison.Ordinal);
}
