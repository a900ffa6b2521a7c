using ThreeFs.Fuse.Tests.Support;

namespace ThreeFs.Fuse.Tests.Mounts;

public sealed class ClusterMountFileTests : FileTests
{
    private protected override async Task<MountFixture> MountAsync() =>
        (await ClusterFixture.CreateAsync()).Mount().Mount;
}

public sealed class ClusterMountNameTests : NameTests
{
    private protected override async Task<MountFixture> MountAsync() =>
        (await ClusterFixture.CreateAsync()).Mount().Mount;
}
