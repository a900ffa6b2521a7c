namespace ThreeFs.Client.Files;

/// <summary>How fresh this client's view of files is kept.</summary>
public sealed record FileSystemOptions
{
    /// <summary>How often the lengths of files open for writing are reported, for other clients to see.</summary>
    public TimeSpan SyncInterval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>A read or append at the known end asks for the length anew when it was learned longer ago than
    /// this.</summary>
    public TimeSpan LengthValidity { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Sessions whose close got lost and that are to be ended later; more are left to the metadata servers'
    /// clean-up.</summary>
    public int MaxLostSessions { get; init; } = 4096;
}
