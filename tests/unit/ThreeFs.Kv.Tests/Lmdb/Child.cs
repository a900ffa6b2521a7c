using System.Diagnostics;
using System.Text;
using ThreeFs.Base;
using ThreeFs.Kv.Lmdb;
using ThreeFs.Kv.Lmdb.Native;
using ThreeFs.Kv.Lmdb.Storage;

namespace ThreeFs.Kv.Tests.Lmdb;

/// <summary>
/// The other processes of the multi-process tests: this test assembly, run with a command. A child says what it has
/// done on its standard output, one line at a time, and is killed by the test.
/// </summary>
internal sealed class Child : IDisposable
{
    private readonly Process _process;

    private Child(Process process) => _process = process;

    public static Child Start(params string[] arguments)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true, RedirectStandardInput = true };
        start.ArgumentList.Add("exec");
        start.ArgumentList.Add(typeof(Child).Assembly.Location);
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        return new Child(Process.Start(start)!);
    }

    public async Task<string?> ReadLineAsync() => await _process.StandardOutput.ReadLineAsync();

    public async Task ExpectAsync(string line) => Assert.Equal(line, await ReadLineAsync());

    /// <summary>kill -9.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    public async Task ExpectSuccessAsync()
    {
        await _process.WaitForExitAsync();
        Assert.Equal(0, _process.ExitCode);
    }

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill();
        _process.Dispose();
    }

    public static async Task<int> Main(string[] arguments)
    {
        var options = new LmdbOptions { Path = arguments[1], FlushInterval = TimeSpan.FromMilliseconds(int.Parse(arguments[2])) };
        var engine = LmdbKvEngine.Open(options, TimeProvider.System).Value;
        switch (arguments[0])
        {
            case "count":
                await CountAsync(engine, arguments[3], int.Parse(arguments[4]));
                await engine.DisposeAsync();
                return 0;
            case "put":
                await PutAsync(engine, arguments[3], arguments[4]);
                await engine.DisposeAsync();
                return 0;
            case "fill":
                for (var i = 0; i < int.Parse(arguments[3]); i++)
                    await PutAsync(engine, $"fill/{i % 500:d4}", $"{i:d100}");
                Console.WriteLine("filled");
                Thread.Sleep(Timeout.Infinite);
                return 1;
            case "stream":
                for (var i = 0; ; i++)
                {
                    await PutAsync(engine, $"stream/{i:d8}", $"{i}");
                    Console.WriteLine(i);
                }

            case "hold":
                HoldWriteTransaction(engine.Environment);
                return 1;
            case "flush":
                await PutAsync(engine, arguments[3], arguments[4]);
                (await engine.FlushAsync()).ThrowIfFailed();
                Console.WriteLine("flushed");
                Thread.Sleep(Timeout.Infinite);
                return 1;
            default:
                return 2;
        }
    }

    private static async Task CountAsync(IKvEngine engine, string key, int times)
    {
        var retry = new KvRetry(
            engine,
            TimeProvider.System,
            new SeededRandom((ulong)Environment.ProcessId),
            new() { MaxRetries = 1000 });
        for (var i = 0; i < times; i++) (await IncrementAsync(retry, key)).ThrowIfFailed();
    }

    /// <summary>Read, add one, write back: wrong at once if two processes' conflicts are not found.</summary>
    internal static ValueTask<Status> IncrementAsync(KvRetry retry, string key) => retry.RunAsync(
        async attempt =>
        {
            var value = await attempt.Transaction.GetAsync(Encoding.ASCII.GetBytes(key));
            if (!value.IsOk) return value.Status;
            var next = value.Value.Exists ? int.Parse(Encoding.ASCII.GetString(value.Value.Span)) + 1 : 1;
            attempt.Transaction.Set(Encoding.ASCII.GetBytes(key), Encoding.ASCII.GetBytes($"{next}"));
            return Status.Ok;
        },
        KvDurability.Relaxed);

    private static async Task PutAsync(IKvEngine engine, string key, string value)
    {
        using var transaction = engine.BeginTransaction();
        transaction.Set(Encoding.ASCII.GetBytes(key), Encoding.ASCII.GetBytes(value));
        (await transaction.CommitAsync(KvDurability.Relaxed)).ThrowIfFailed();
    }

    private static void HoldWriteTransaction(LmdbEnvironment environment)
    {
        Invariant.Check(Mdb.TxnBegin(environment.Handle, 0, 0, out var txn) == 0);
        Invariant.Check(MdbWrites.PutRow(txn, environment.Database, "uncommitted"u8, "1"u8) == 0);
        Console.WriteLine("holding");
        Thread.Sleep(Timeout.Infinite);
    }
}
