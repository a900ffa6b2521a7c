using ThreeFs.Cluster.Tests.Harness;

namespace ThreeFs.Cluster.Tests;

/// <summary>fio writes checksummed blocks and reads them back: every size, pattern and way through the page cache.</summary>
[Collection(SharedClusterCollection.Name)]
public sealed class FioVerifyTests(SharedCluster shared)
{
    [Theory]
    [InlineData("4k", "write", 0)]
    [InlineData("4k", "randwrite", 0)]
    [InlineData("4k", "randwrite", 1)]
    [InlineData("64k", "randwrite", 0)]
    [InlineData("64k", "randwrite", 1)]
    [InlineData("1m", "write", 0)]
    [InlineData("1m", "write", 1)]
    [InlineData("4m", "randwrite", 1)]
    public async Task Many_files(string blockSize, string pattern, int direct) =>
        await RunAsync($"--bs={blockSize} --rw={pattern} --direct={direct} --numjobs=4 --size=16m");

    [Theory]
    [InlineData("4k", 0)]
    [InlineData("4k", 1)]
    [InlineData("128k", 1)]
    [InlineData("4m", 1)]
    public async Task Several_jobs_on_one_file(string blockSize, int direct) =>
        await RunAsync($"--bs={blockSize} --rw=randwrite --direct={direct} --numjobs=4 --size=16m --offset_increment=16m --filename=shared");

    [Fact]
    public async Task Odd_block_sizes_buffered() => await RunAsync("--bsrange=1000-70001 --bs_unaligned=1 --rw=randwrite --direct=0 --numjobs=2 --size=16m");

    [Fact]
    public async Task Deep_asynchronous_queue() =>
        await RunAsync("--ioengine=libaio --iodepth=32 --bs=4k --rw=randwrite --direct=1 --numjobs=2 --size=16m");

    private async Task RunAsync(string options) =>
        await Shell.RunAsync(
            $"fio --name=verify --directory={shared.NewDirectory("fio")} --verify=crc32c --verify_fatal=1 --do_verify=1 --fallocate=none "
            + $"--group_reporting --minimal {options} > /dev/null");
}
