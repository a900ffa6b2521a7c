using ThreeFs.Fuse.Tests.Support;

namespace ThreeFs.Fuse.Tests.Mounts;

public sealed class MemoryMountFileTests : FileTests
{
    private protected override Task<MountFixture> MountAsync() => Task.FromResult(MountFixture.Memory());
}

public sealed class MemoryMountNameTests : NameTests
{
    private protected override Task<MountFixture> MountAsync() => Task.FromResult(MountFixture.Memory());
}
