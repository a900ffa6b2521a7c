namespace ThreeFs.Storage.Peers;

/// <summary>
/// mgmtd has heard from this node recently enough that it cannot have put others in the place of its targets. While false the
/// node answers nobody: it fences itself.
/// </summary>
public interface ILease
{
    /// <summary>One clock read; any thread.</summary>
    bool IsHeld { get; }
}
