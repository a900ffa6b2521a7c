using ThreeFs.Fuse.Session;
using ThreeFs.Fuse.Virtual;

namespace ThreeFs.Fuse.Tests.Virtual;

public sealed class VirtualFileSystemTests
{
    /// <summary>An operation that is not handed on would get the interface's default answer, and the mount would lose it.</summary>
    [Fact]
    public void Every_operation_is_handed_on()
    {
        var map = typeof(VirtualFileSystem).GetInterfaceMap(typeof(IFuseFileSystem));
        Assert.All(map.TargetMethods, method => Assert.Equal(typeof(VirtualFileSystem), method?.DeclaringType));
    }
}
