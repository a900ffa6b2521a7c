using ThreeFs.Cluster.Tests.Harness;

namespace ThreeFs.Cluster.Tests;

/// <summary>
/// A cluster with its metadata in FoundationDB: what dies, of ThreeFs or the database itself, is waited for, and nothing is lost.
/// </summary>
public sealed class FoundationDbTests
{
    [FoundationDbFact]
    public async Task Metadata_servers_and_cluster_managers_die_without_an_error()
    {
        await using var cluster = await Harness.Cluster.StartAsync(FoundationDb.Up(FoundationDb.ClusterFile!));
        using var load = await VerifiedLoad.StartAsync($"{cluster.Mount}/load");
        var status = await cluster.StatusAsync();
        foreach (var victim in status.Of("meta").Append(status.PrimaryMgmtd))
        {
            await Harness.Cluster.KillAsync(victim);
            await load.PassRoundsAsync(1);
            await Shell.RunAsync($"for i in $(seq 50); do mkdir {cluster.Mount}/{victim.Name}-$i; done");
            await cluster.UpAsync();
        }

        await cluster.WaitUntilAllServeAsync();
        await load.StopAsync();
        Assert.Equal("150\n", await Shell.RunAsync($"ls -d {cluster.Mount}/*-*-* | wc -l"));
        await cluster.FsckAsync();
    }

    /// <summary>The mount waits for the database as for everything else.</summary>
    [FoundationDbServerFact]
    public async Task The_database_is_killed_and_started_again()
    {
        using var server = await FoundationDbServer.StartAsync("ssd");
        await using (var cluster = await Harness.Cluster.StartAsync(FoundationDb.Up(server.ClusterFile)))
        {
            using var load = await VerifiedLoad.StartAsync($"{cluster.Mount}/load");
            for (var round = 0; round < 2; round++)
            {
                await Shell.RunAsync($"mkdir {cluster.Mount}/before-{round}");
                server.Kill();
                using var waiting = Shell.Start($"mkdir {cluster.Mount}/meanwhile-{round}");
                server.Start();
                (await waiting.WaitAsync(TimeSpan.FromMinutes(2))).Succeeded();
                await load.PassRoundsAsync(1);
            }

            await load.StopAsync();
            Assert.Equal("4\n", await Shell.RunAsync($"ls -d {cluster.Mount}/before-* {cluster.Mount}/meanwhile-* | wc -l"));
            await cluster.WaitUntilAllServeAsync();
            await cluster.FsckAsync();
            await cluster.DownAsync();
        }

        // Destroyed with the cluster: its keys are gone too.
        Assert.DoesNotContain("threefs", await server.AskAsync("getrangekeys \"\" \\xff 10"));
    }
}
