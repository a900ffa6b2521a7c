using ThreeFs.Cluster.Tests.Harness;

namespace ThreeFs.Cluster.Tests;

/// <summary>What is promised between two mounts of one cluster.</summary>
public sealed class TwoMountsTests : IAsyncLifetime
{
    private Harness.Cluster _cluster = null!;
    private SecondMount _second = null!;

    private string A => _cluster.Mount;
    private string B => _second.Path;

    public async Task InitializeAsync()
    {
        _cluster = await Harness.Cluster.StartAsync();
        _second = await SecondMount.StartAsync(_cluster);
    }

    public async Task DisposeAsync()
    {
        await _second.DisposeAsync();
        await _cluster.DisposeAsync();
    }

    [Fact]
    public async Task Files_are_shared_as_promised()
    {
        await AppendsKeepEveryLineAsync();
        await RenamedFilesAreOpenedAsync();
        await SyncedBytesAreReadAsync();
        await FlockExcludesAsync();
        await SqliteIsSharedAsync();
        await _cluster.FsckAsync();
    }

    [Fact]
    public async Task A_killed_process_ends_though_no_server_answers()
    {
        var pid = Path.Combine(_cluster.Directory, "writer");
        using var writer = Shell.Start($"echo $$ > {pid}; exec 3> {A}/f; echo written >&3; exec sleep 1000");
        await Shell.RunAsync($"until [ -s {A}/f ]; do sleep 0.05; done");
        var status = await _cluster.StatusAsync();
        await Harness.Cluster.KillAsync([.. status.Of("mgmtd"), .. status.Of("meta")]);

        // It is killed while nobody can be told how far it wrote.
        await Shell.RunAsync($"kill -9 $(cat {pid})");
        Assert.NotEqual(0, (await writer.WaitAsync(TimeSpan.FromSeconds(30))).ExitCode);
        await _cluster.UpAsync();
        await Shell.RunAsync($"[ \"$(cat {A}/f)\" = written ]");
    }

    private Task AppendsKeepEveryLineAsync() => Shell.RunAsync(
        $$"""
        for i in $(seq 60); do m={{A}}; [ $((i % 2)) = 0 ] && m={{B}}; echo $i >> $m/turns; done
        seq 60 | diff - {{A}}/turns
        seq 60 | diff - {{B}}/turns
        for m in {{A}} {{B}}; do for w in 1 2; do (for i in $(seq 100); do echo $m $w $i >> $m/beside; done) & done; done; wait
        [ $(sort -u {{B}}/beside | wc -l) = 400 ] && [ $(wc -l < {{A}}/beside) = 400 ]
        """);

    private Task RenamedFilesAreOpenedAsync() => Shell.RunAsync(
        $$"""
        for i in $(seq 40); do
            echo $i > {{A}}/new; mv {{A}}/new {{A}}/published
            [ $(cat {{B}}/published) = $i ]
        done
        """);

    private Task SyncedBytesAreReadAsync() => Shell.RunAsync(
        $$"""
        printf 0123456789 > {{A}}/growing; [ $(cat {{B}}/growing | wc -c) = 10 ]
        exec 3>> {{A}}/growing; head -c 100 /dev/zero >&3; sync {{A}}/growing
        [ $(cat {{B}}/growing | wc -c) = 110 ]
        """);

    private Task FlockExcludesAsync() => Shell.RunAsync(
        $$"""
        exec 3> {{A}}/lock; flock 3
        ! flock -n {{B}}/lock true
        exec 3>&-
        flock -w 30 {{B}}/lock true
        echo 0 > {{A}}/count
        for m in {{A}} {{B}} {{A}} {{B}}; do
            (for i in $(seq 50); do flock $m/lock sh -c "n=\$(cat $m/count); echo \$((n + 1)) > $m/count"; done) &
        done; wait
        [ $(cat {{B}}/count) = 200 ]
        """);

    private Task SqliteIsSharedAsync() => Shell.RunAsync(
        $$"""
        sqlite3 {{A}}/db 'CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT)'
        for m in {{A}} {{B}}; do
            (for i in $(seq 40); do sqlite3 -cmd '.timeout 60000' $m/db "INSERT INTO t(v) VALUES ('$m')"; done) &
        done; wait
        [ "$(sqlite3 {{A}}/db 'SELECT count(*), count(DISTINCT v) FROM t')" = '80|2' ]
        [ "$(sqlite3 {{B}}/db 'PRAGMA integrity_check')" = ok ]
        """);
}
