namespace ThreeFs.Transport;

/// <summary>The server's view of one connected peer.</summary>
public sealed class ServerConnection(long id, string peer)
{
    /// <summary>Unique within the listener, never reused.</summary>
    public long Id { get; } = id;

    /// <summary>Address of the peer, for messages.</summary>
    public string Peer { get; } = peer;

    /// <summary>The peer is a process of this host that may read what this one may: of the same user, or root.</summary>
    public bool IsOfThisHost { get; init; }

    /// <summary>Nobody will receive an answer any more.</summary>
    public bool IsClosed { get; internal set; }

    /// <summary>Whatever the handler wants to remember about this peer.</summary>
    public object? State { get; set; }

    public override string ToString() => $"#{Id} {Peer}";
}
