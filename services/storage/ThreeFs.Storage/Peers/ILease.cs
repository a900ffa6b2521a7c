using ThreeFs.Base;

namespace ThreeFs.Storage.Peers;

/// <summary>
/// mgmtd has heard from this node recently enough that it cannot have put others in the place of its targets. While false the
/// node answers nobody: it fences itself.
/// </summary>
/// <remarks>
/// A lease that ended and begins again with the next heartbeat says that mgmtd hears from the node, not that the node has heard what mgmtd
/// decided meanwhile. So it counts only for targets that act on <see cref="Routing"/> or something newer.
/// </remarks>
public interface ILease
{
    /// <summary>One clock read; any thread.</summary>
    bool IsHeld { get; }

    /// <summary>
    /// For how long it is held from now on, whatever happens; zero when it is not held, and where nobody can tell. Any thread.
    /// </summary>
    TimeSpan Left => TimeSpan.Zero;

    /// <summary>The picture that mgmtd had when the lease began. Any thread; read it after <see cref="IsHeld"/>.</summary>
    RoutingVersion Routing { get; }
}
