namespace ThreeFs.Mgmtd.State;

/// <summary>
/// What an operation makes of the cluster, and its answer. The same cluster means that nothing is to be written.
/// </summary>
internal readonly record struct Change<T>(ClusterRecord Cluster, T Answer);
