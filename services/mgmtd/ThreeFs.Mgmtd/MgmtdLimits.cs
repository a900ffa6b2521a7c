namespace ThreeFs.Mgmtd;

/// <summary>
/// Bounds of what mgmtd accepts; every stored record stays under the key-value engine's 100 kB value limit.
/// </summary>
public static class MgmtdLimits
{
    public const int NameBytes = 255;
    public const int DescriptionBytes = 1024;
    public const int Endpoints = 16;
    public const int Tags = 32;
    public const int TagBytes = 1024;
    public const int ConfigBytes = 64 << 10;
    public const int TargetsPerChain = 16;
    public const int ChainsPerTable = 20_000;
    public const int Chains = 100_000;
    public const int TargetsPerHeartbeat = 4096;
    public const int Nodes = 20_000;
    public const int ClientSessions = 100_000;
}
