using ThreeFs.Base;
using ThreeFs.Contracts.Meta;

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

    /// <summary>Whether every repetition comes while the service still remembers the first.</summary>
    public Status Validate()
    {
        var longest = RequestLifetime.MaxRepeating;
        if (Deadline <= TimeSpan.Zero || Deadline > longest) return Bad("deadline", Deadline);
        if (StorageDeadline <= TimeSpan.Zero || StorageDeadline > longest) return Bad("storage_deadline", StorageDeadline);
        return Status.Ok;

        Status Bad(string key, TimeSpan value) => new(StatusCode.InvalidArgument,
            $"meta.{key}: must be positive and at most {longest.TotalSeconds:0} s, within which a repeated change is "
            + $"recognised, not {value.TotalSeconds:0.###} s");
    }
}
