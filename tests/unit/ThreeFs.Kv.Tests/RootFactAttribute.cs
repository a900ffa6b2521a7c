namespace ThreeFs.Kv.Tests;

/// <summary>A test that mounts something.</summary>
internal sealed class RootFactAttribute : FactAttribute
{
    public RootFactAttribute()
    {
        if (!Environment.IsPrivilegedProcess) Skip = "needs root to mount a small file system";
    }
}
