using ThreeFs.Base;
using ThreeFs.Cli.Dev;
using ThreeFs.Meta.Server;
using ThreeFs.Mgmtd.Server;

namespace ThreeFs.Cli.Tests.Dev;

public sealed class LocalClusterTests : IDisposable
{
    private readonly ClusterDirectory _directory = ClusterDirectory.At(Directory.CreateTempSubdirectory("threefs-").FullName);

    public void Dispose() => Directory.Delete(_directory.Path, recursive: true);

    [Theory]
    [InlineData("")]
    [InlineData("mount = [")]
    [InlineData("mgmtd = 2\nmount = \"\"\n")]
    [InlineData("mgmtd = \"two\"\n")]
    public void A_damaged_plan_is_named_and_the_processes_are_found_without_it(string text)
    {
        Made();
        using var held = PidFile.Acquire(_directory.Role("storage-3").PidFile).Value;
        File.WriteAllText(_directory.PlanFile, text);
        var refused = LocalCluster.Open(_directory).Status;
        Assert.Equal(StatusCode.InvalidArgument, refused.Code);
        Assert.Contains(_directory.PlanFile, refused.Message);
        Assert.DoesNotContain("Parameter", refused.Message);

        var found = LocalCluster.Find(_directory).Value;
        Assert.Equal(refused, Assert.Single(found.Damage));
        Assert.Equal(8, found.Roles.Count);
        Assert.Equal("test", found.Plan.ClusterId);
        Assert.Equal("/elsewhere/mnt", found.Plan.Mount);
        Assert.Equal(2, found.MgmtdAddresses.Length);
        Assert.Equal(Environment.ProcessId, found.Roles.Single(r => r.Name == "storage-3").Process.Pid);
    }

    [Fact]
    public void A_cluster_on_FoundationDB_has_no_store_of_its_own_and_says_so_everywhere()
    {
        const string kv = "fdb:/etc/foundationdb/fdb.cluster";
        var plan = new ClusterPlan { Kv = kv, ClusterId = "dev-1", Mount = "/elsewhere/mnt" };
        var cluster = LocalCluster.Create(_directory, plan).Value;
        Assert.True(cluster.Prepare().IsOk);
        Assert.False(Directory.Exists(_directory.KvDirectory));
        Assert.All(cluster.Roles.OfType<LocalRole<MgmtdConfig>>(), role => Assert.Equal(kv, role.Config.Kv));
        Assert.All(cluster.Roles.OfType<LocalRole<MetaConfig>>(), role => Assert.Equal(kv, role.Config.Kv));

        // Also when the plan is lost: its keys have to be found to be removed.
        File.Delete(_directory.PlanFile);
        var found = LocalCluster.Find(_directory).Value.Plan;
        Assert.Equal((kv, "dev-1"), (found.Kv, found.ClusterId));
    }

    [Fact]
    public void A_missing_plan_is_damage_where_processes_were_and_no_cluster_elsewhere()
    {
        Made();
        File.Delete(_directory.PlanFile);
        Assert.Contains("is missing", Assert.Single(LocalCluster.Find(_directory).Value.Damage).Message);
        Assert.Contains("no cluster", LocalCluster.Find(ClusterDirectory.At($"{_directory.Path}/kv")).Status.Message);
        Assert.Contains("cluster.toml", _directory.Make().Message);
    }

    [Fact]
    public void A_process_whose_configuration_is_gone_or_damaged_has_no_address_and_can_be_ended()
    {
        Made();
        File.Delete(_directory.Role("meta-1").ConfigFile);
        File.WriteAllText(_directory.Role("meta-2").ConfigFile, "grpc_port = true");
        Assert.Contains("grpc_port", LocalCluster.Open(_directory).Status.Message);
        var found = LocalCluster.Find(_directory).Value;
        Assert.Contains("meta-2", Assert.Single(found.Damage).Message);
        Assert.Equal("-", found.Roles.Single(r => r.Name == "meta-1").Address);
        Assert.Equal("-", found.Roles.Single(r => r.Name == "meta-2").Address);
        Assert.StartsWith("127.0.0.1:", found.Roles.Single(r => r.Name == "storage-1").Address);
    }

    [Fact]
    public void A_store_or_data_directory_that_is_gone_is_told_and_never_made_anew()
    {
        var cluster = Made();
        Assert.Equal(Status.Ok, cluster.CheckKept());
        Directory.Delete(_directory.Role("storage-2").DataDirectory);
        Assert.Contains(_directory.Role("storage-2").DataDirectory, cluster.CheckKept().Message);
        File.Delete($"{_directory.KvDirectory}/data.mdb");
        Assert.Contains("empty", cluster.CheckKept().Message);
        Directory.Delete(_directory.KvDirectory, recursive: true);
        var status = cluster.CheckKept();
        Assert.Contains("missing", status.Message);
        Assert.Contains(_directory.KvDirectory, status.Message);
        Assert.Contains("down --destroy", status.Message);
        Assert.True(cluster.Prepare().IsOk);
        Assert.False(Directory.Exists(_directory.KvDirectory));
        Assert.False(Directory.Exists(_directory.Role("storage-2").DataDirectory));
    }

    /// <summary>A cluster whose first `up` has succeeded.</summary>
    private LocalCluster Made()
    {
        var cluster = LocalCluster.Create(_directory, new ClusterPlan { ClusterId = "test", Mount = "/elsewhere/mnt" }).Value;
        Assert.Equal(Status.Ok, cluster.CheckKept());
        Assert.Equal(Status.Ok, cluster.Prepare());
        File.WriteAllText($"{_directory.KvDirectory}/data.mdb", "names");
        cluster.Plan.Made = true;
        _directory.SavePlan(cluster.Plan);
        return LocalCluster.Open(_directory).Value;
    }
}
