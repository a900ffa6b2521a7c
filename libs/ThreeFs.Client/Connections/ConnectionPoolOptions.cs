namespace ThreeFs.Client.Connections;

/// <summary>How connections are made and given up.</summary>
public sealed record ConnectionPoolOptions
{
    /// <summary>Connections to one endpoint, used in turn; more than one spreads the work over reactors.</summary>
    public int PerEndpoint { get; init; } = 1;

    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Pause after the first failure to connect; doubles with each further one.</summary>
    public TimeSpan FirstBackoff { get; init; } = TimeSpan.FromMilliseconds(20);

    public TimeSpan MaxBackoff { get; init; } = TimeSpan.FromSeconds(1);
}
