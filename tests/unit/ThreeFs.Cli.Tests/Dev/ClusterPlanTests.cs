using ThreeFs.Base;
using ThreeFs.Cli.Dev;

namespace ThreeFs.Cli.Tests.Dev;

public sealed class ClusterPlanTests
{
    [Fact]
    public void The_default_plan_is_valid() => Assert.True(new ClusterPlan().Validate().IsOk);

    [Theory]
    [InlineData(3, 2, 4, 1L << 20, "--replicas 4")]
    [InlineData(3, 1, 2, 1L << 20, "cannot use up")]
    [InlineData(0, 1, 1, 1L << 20, "--storage 0")]
    [InlineData(3, 2, 0, 1L << 20, "--replicas 0")]
    [InlineData(3, 2, 3, 1L << 15, "--chunk-size 32KiB")]
    [InlineData(3, 2, 3, 3L << 20, "--chunk-size 3MiB")]
    public void A_plan_that_cannot_work_is_refused_by_option(int storage, int targets, int replicas, long chunkSize, string reason)
    {
        var plan = new ClusterPlan { Storage = storage, Targets = targets, Replicas = replicas, ChunkSize = new ByteSize(chunkSize) };
        var status = plan.Validate();
        Assert.Equal(StatusCode.InvalidArgument, status.Code);
        Assert.Contains(reason, status.Message);
    }
}
