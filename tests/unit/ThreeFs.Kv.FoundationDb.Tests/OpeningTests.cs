using System.Diagnostics;
using ThreeFs.Base;
using ThreeFs.FdbStandIn;

namespace ThreeFs.Kv.FoundationDb.Tests;

/// <summary>Whatever keeps an engine from opening is a sentence that says what to do.</summary>
[Collection(StandIn.Collection)]
public sealed class OpeningTests : IDisposable
{
    private readonly StandInCluster _cluster = new();

    public void Dispose()
    {
        _cluster.Dispose();
        StandIn.AssertNothingHeld();
    }

    [Theory]
    [InlineData("fdb:/etc/fdb.cluster", "/etc/fdb.cluster", 10, null, null)]
    [InlineData("fdb:x?timeout=3s", "x", 3, null, null)]
    [InlineData("fdb:x?library=/l/libfdb_c.so&trace=/var/log/t", "x", 10, "/l/libfdb_c.so", "/var/log/t")]
    public void A_uri_names_the_file_and_options(string uri, string file, int seconds, string? library, string? trace)
    {
        var options = FdbKvOptions.Parse(uri, "c").Value;
        Assert.Equal(
            (file, "c", TimeSpan.FromSeconds(seconds), library, trace),
            (options.ClusterFile, options.ClusterId, options.TransactionTimeout,
                options.Library, options.TraceDirectory));
    }

    [Theory]
    [InlineData("lmdb:/x", "expected fdb:/path/to/fdb.cluster")]
    [InlineData("fdb:", "expected fdb:/path/to/fdb.cluster")]
    [InlineData("fdb:x?timeout=0s", "timeout = \"0s\" is not a time of 1s to 1000s")]
    [InlineData("fdb:x?timeout=5", "timeout = \"5\" is not a time")]
    [InlineData("fdb:x?timeout=", "timeout = \"\" is not a time")]
    [InlineData("fdb:x?size=1", "\"size=1\" is not an option; there are timeout=10s, library=PATH and trace=DIRECTORY")]
    public void A_wrong_uri_is_refused(string uri, string sentence)
    {
        var parsed = FdbKvOptions.Parse(uri, "c");
        Assert.Equal(StatusCode.InvalidArgument, parsed.Code);
        Assert.Contains(sentence, parsed.Status.Message);
    }

    [Fact]
    public async Task A_cluster_file_that_is_not_there()
    {
        var status = await RefusedAsync(_cluster.Options with { ClusterFile = "/nowhere/fdb.cluster" });
        Assert.Equal(StatusCode.InvalidArgument, status.Code);
        Assert.Contains("cluster file /nowhere/fdb.cluster does not exist: copy the one of a server", status.Message);
    }

    [Theory]
    [InlineData("")]
    [InlineData("# only a comment\n")]
    [InlineData("nonsense")]
    [InlineData("a:b@")]
    [InlineData("a@h:1")]
    [InlineData("a:b@h:1\na:b@h:2\n")]
    public async Task A_cluster_file_that_is_none(string content)
    {
        File.WriteAllText(_cluster.ClusterFile, content);
        var status = await RefusedAsync(_cluster.Options);
        Assert.Equal(StatusCode.InvalidArgument, status.Code);
        Assert.Contains("is not a FoundationDB cluster file: expected one line", status.Message);
    }

    [Fact]
    public async Task A_cluster_file_may_have_comments()
    {
        File.WriteAllText(_cluster.ClusterFile, "# DO NOT EDIT!\n\n desc:id@h:1:tls,h:2 \n");
        await using var engine = await _cluster.OpenAsync();
    }

    [Fact]
    public async Task A_library_that_is_not_there()
    {
        Assert.Equal(
            "Unavailable: /nowhere/libfdb_c.so is not installed: install the package foundationdb-clients 7.3 of "
            + "FoundationDB's releases",
            await OpenInAnotherProcessAsync("/nowhere/libfdb_c.so"));
        if (!File.Exists("/usr/lib/libfdb_c.so"))
            Assert.StartsWith("Unavailable: libfdb_c.so is not installed", await OpenInAnotherProcessAsync(""));
    }

    [Fact]
    public async Task A_library_that_is_none()
    {
        var file = _cluster.ClusterFile + ".so";
        File.WriteAllText(file, "text");
        Assert.StartsWith($"Unavailable: {file} cannot be loaded: ", await OpenInAnotherProcessAsync(file));
        Assert.StartsWith(
            "Unavailable: libc.so.6 is not a FoundationDB client library of version 7.3: ",
            await OpenInAnotherProcessAsync("libc.so.6"));
    }

    [Fact]
    public async Task A_library_that_is_too_old() => Assert.Equal(
        $"Unavailable: {StandIn.LibraryPath} is of FoundationDB 7.1.0-standin (API version 710), 7.3 or newer "
        + "(API version 730) is needed: install foundationdb-clients 7.3",
        await OpenInAnotherProcessAsync(StandIn.LibraryPath, api: "710"));

    /// <summary>The network's thread is stopped before the process takes itself apart.</summary>
    [Fact]
    public async Task A_process_that_used_the_library_ends() =>
        Assert.Equal("Ok", await OpenInAnotherProcessAsync(StandIn.LibraryPath));

    [Fact]
    public async Task A_process_has_one_library()
    {
        await using var engine = await _cluster.OpenAsync();
        var status = await RefusedAsync(_cluster.Options with { Library = "/other/libfdb_c.so" });
        Assert.Contains($"this process uses {StandIn.LibraryPath} already", status.Message);
    }

    [Fact]
    public async Task A_database_that_does_not_answer()
    {
        await using var engine = await _cluster.OpenAsync();
        StandIn.SetReachable(false);
        var status = await RefusedAsync(_cluster.Options with { OpenTimeout = TimeSpan.FromMilliseconds(100) });
        Assert.Equal(StatusCode.Unavailable, status.Code);
        Assert.Contains("does not answer within 0.1 s (coordinators 127.0.0.1:4500, client 7.3.0", status.Message);
        Assert.Contains($"fdbcli -C {_cluster.ClusterFile} --exec status", status.Message);
        StandIn.SetReachable(true);
    }

    [Fact]
    public async Task A_database_that_is_locked()
    {
        await using var engine = await _cluster.OpenAsync();
        StandIn.SetLocked(true);
        var status = await RefusedAsync(_cluster.Options);
        Assert.Equal(StatusCode.Unavailable, status.Code);
        Assert.Contains($"the FoundationDB database of {_cluster.ClusterFile} is locked", status.Message);
    }

    [Fact]
    public async Task A_caller_that_gives_up()
    {
        await using var engine = await _cluster.OpenAsync();
        StandIn.SetReachable(false);
        using var given = new CancellationTokenSource();
        var opening = FdbKvEngine.OpenAsync(_cluster.Options, TimeProvider.System, given.Token);
        await given.CancelAsync();
        Assert.Equal(StatusCode.Cancelled, (await opening).Code);
        StandIn.SetReachable(true);
    }

    private static async Task<Status> RefusedAsync(FdbKvOptions options)
    {
        var opened = await FdbKvEngine.OpenAsync(options, TimeProvider.System);
        if (opened.TryGet(out var engine)) await engine.DisposeAsync();
        return opened.Status;
    }

    private async Task<string> OpenInAnotherProcessAsync(string library, string? api = null)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true };
        var program = typeof(OpeningTests).Assembly.Location;
        foreach (var argument in new[] { "exec", program, "open", library, _cluster.ClusterFile })
            start.ArgumentList.Add(argument);
        if (api is not null) start.Environment["THREEFS_FDB_STANDIN_API"] = api;
        using var process = Process.Start(start)!;
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
        return output.TrimEnd();
    }
}
