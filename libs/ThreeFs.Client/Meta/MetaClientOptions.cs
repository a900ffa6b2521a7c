namespace ThreeFs.Client.Meta;

/// <summary>How long a metadata call tries. The defaults outlast the death of a server and its removal from routing.</summary>
public sealed record MetaClientOptions
{
    /// <summary>A call that touches records only gives up after this.</summary>
    public TimeSpan Deadline { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>A call that asks storage servers (sync, close, truncation) gives up after this: chains need time to heal.</summary>
    public TimeSpan StorageDeadline { get; init; } = TimeSpan.FromSeconds(90);

    /// <summary>One attempt at one server, records only.</summary>
    public TimeSpan AttemptTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>One attempt at one server that asks storage servers.</summary>
    public TimeSpan StorageAttemptTimeout { get; init; } = TimeSpan.FromSeconds(40);

    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(2);
    public TimeSpan FirstBackoff { get; init; } = TimeSpan.FromMilliseconds(10);
    public TimeSpan MaxBackoff { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long a server that failed is passed over while another one is active.</summary>
    public TimeSpan FailedServerPause { get; init; } = TimeSpan.FromSeconds(3);
}
