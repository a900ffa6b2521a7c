using ThreeFs.Client.Meta;
using ThreeFs.Contracts.Meta;

namespace ThreeFs.Fuse.Tests;

public sealed class MountConfigTests
{
    [Theory]
    [InlineData(999, false)]
    [InlineData(1000, true)]
    [InlineData(300_000, true)]
    [InlineData(300_001, false)]
    public void An_operation_is_not_repeated_longer_than_its_outcome_is_remembered(int timeoutMs, bool isValid)
    {
        var config = new MountConfig { MountPoint = "/m", Mgmtd = ["localhost:1"], OperationTimeoutMs = timeoutMs };
        var status = config.Validate();
        Assert.Equal(isValid, status.IsOk);
        if (!isValid) Assert.Contains("operation_timeout_ms", status.Message);
    }

    [Fact]
    public void The_default_is_valid_everywhere()
    {
        Assert.True(new MountConfig { MountPoint = "/m", Mgmtd = ["localhost:1"] }.Validate().IsOk);
        Assert.True(new MetaClientOptions().Validate().IsOk);
        var longer = RequestLifetime.MaxRepeating + TimeSpan.FromSeconds(1);
        Assert.Contains("meta.storage_deadline", new MetaClientOptions { StorageDeadline = longer }.Validate().Message);
        Assert.Contains("meta.deadline", new MetaClientOptions { Deadline = longer }.Validate().Message);
    }
}
