namespace ThreeFs.Mgmtd.Chains;

/// <summary>
/// What mgmtd knows of a target when it decides about its chain: the last report, seen against the
/// chain's current version.
/// </summary>
public enum TargetView : byte
{
    /// <summary>Not reported in this term, and the term is too young to call it dead.</summary>
    Unknown,
    /// <summary>Its server is silent for too long, or reported it as failed.</summary>
    Offline,
    /// <summary>Its server (re)started it and it has not acted on any version of the chain since.</summary>
    Started,
    /// <summary>
    /// Up; its last report is about an older version of the chain, so it says nothing about its place in this one.
    /// </summary>
    Behind,
    /// <summary>Acts on the current version; its content may be old.</summary>
    Online,
    /// <summary>Acts on the current version and vouches for its content.</summary>
    UpToDate,
}
