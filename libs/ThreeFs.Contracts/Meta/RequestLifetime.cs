namespace ThreeFs.Contracts.Meta;

/// <summary>
/// How long one mutation may be repeated. Both sides derive from it: a client gives up earlier, the metadata service remembers
/// outcomes longer. A repetition after that would be applied a second time.
/// </summary>
public static class RequestLifetime
{
    /// <summary>The longest a client may be configured to repeat a request, from its first attempt to the start of its last.</summary>
    public static readonly TimeSpan MaxRepeating = TimeSpan.FromMinutes(5);

    /// <summary>How late the last attempt may arrive at a server after it was sent.</summary>
    public static readonly TimeSpan MaxDelay = TimeSpan.FromSeconds(45);
}
