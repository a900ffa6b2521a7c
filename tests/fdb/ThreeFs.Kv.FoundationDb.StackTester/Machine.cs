using System.Collections.Concurrent;
using System.Numerics;
using System.Text;
using ThreeFs.Kv.FoundationDb.Binding;
using ThreeFs.Kv.FoundationDb.Native;

namespace ThreeFs.Kv.FoundationDb.StackTester;

/// <summary>What all machines of a run share.</summary>
internal sealed class Shared(FdbDatabase database)
{
    public FdbDatabase Database { get; } = database;
    public ConcurrentDictionary<string, FdbTransaction> Transactions { get; } = new();
    public ConcurrentBag<Task> Machines { get; } = [];

    /// <summary>Runs the body in a transaction of its own until it commits.</summary>
    public async Task<T> RunAsync<T>(Func<FdbTransaction, Task<T>> body)
    {
        using var transaction = Database.BeginTransaction();
        while (true)
        {
            try
            {
                var result = await body(transaction);
                await transaction.CommitAsync().CheckAsync();
                return result;
            }
            catch (FdbException e)
            {
                await transaction.OnErrorAsync(e.Error).CheckAsync();
            }
        }
    }
}

/// <summary>
/// FoundationDB's binding tester, as its specification (bindingApiTester.md) describes it: reads instructions from the
/// database, executes them on a stack, and leaves what it saw in the database, where FoundationDB's own harness
/// compares it with other bindings. Operations of data are here, of the database in <see cref="Operations"/>, of tuples
/// in <see cref="TupleOperations"/>.
/// </summary>
internal sealed class Machine(Shared shared, byte[] prefix)
{
    private const int LogBatch = 100;
    private const int MaxLogged = 40_000;
    private const int PageRows = 1000;

    private string _transaction = Name(prefix);

    public Stack Stack { get; } = new();
    public Shared Shared { get; } = shared;
    public long LastVersion { get; set; }

    /// <summary>The number of the instruction that runs.</summary>
    public int Instruction { get; private set; }

    public FdbTransaction Current =>
        Shared.Transactions.GetOrAdd(_transaction, _ => Shared.Database.BeginTransaction());

    public static byte[] B(string text) => Encoding.ASCII.GetBytes(text);

    public void Push(object? value) => Stack.Push(Instruction, value);

    /// <summary>Reads all instructions, then executes them.</summary>
    public async Task RunAsync()
    {
        var instructions = new List<byte[]>();
        byte[] begin = [.. TupleCodec.Pack(prefix), 0x00], end = [.. TupleCodec.Pack(prefix), 0xFF];
        for (var more = true; more;)
        {
            var page = await Shared.RunAsync(transaction => transaction.GetRangeAsync(
                KeySelector.FirstGreaterOrEqual(begin),
                KeySelector.FirstGreaterOrEqual(end),
                new() { Limit = PageRows }).ValueAsync());
            instructions.AddRange(page.Rows.Select(row => row.Value));
            more = page.More && page.Rows.Length > 0;
            if (more) begin = KvKeys.After(page.Rows[^1].Key);
        }

        foreach (var instruction in instructions)
        {
            await ExecuteAsync(TupleCodec.Unpack(instruction));
            Instruction++;
        }
    }

    public void UseNewTransaction() => UseTransaction(_transaction, Shared.Database.BeginTransaction());

    private async Task ExecuteAsync(object?[] instruction)
    {
        var name = (string)instruction[0]!;
        try
        {
            if (await ExecuteDataAsync(name, instruction)) return;
            if (await TupleOperations.ExecuteAsync(this, name)) return;
            if (await Operations.ExecuteAsync(this, name)) return;
            throw new InvalidOperationException($"unknown instruction {name}");
        }
        catch (FdbException e)
        {
            Push(Packed(e));
        }
    }

    public static byte[] Packed(FdbException e) => TupleCodec.Pack(B("ERROR"), B($"{(int)e.Error}"));

    private async Task<bool> ExecuteDataAsync(string name, object?[] instruction)
    {
        switch (name)
        {
            case "PUSH":
                Push(instruction[1]);
                return true;
            case "DUP":
                Stack.Duplicate();
                return true;
            case "EMPTY_STACK":
                Stack.Clear();
                return true;
            case "SWAP":
                Stack.Swap(await Stack.PopIntAsync());
                return true;
            case "POP":
                await Stack.PopAsync();
                return true;
            case "SUB":
                var minuend = (BigInteger)(await Stack.PopAsync())!;
                Push(minuend - (BigInteger)(await Stack.PopAsync())!);
                return true;
            case "CONCAT":
                Push(Concat(await Stack.PopAsync(), await Stack.PopAsync()));
                return true;
            case "WAIT_FUTURE":
                var (number, value) = await Stack.PopItemAsync();
                Stack.Push(number, value);
                return true;
            case "LOG_STACK":
                await LogStackAsync(await Stack.PopBytesAsync());
                return true;
            case "NEW_TRANSACTION":
                UseNewTransaction();
                return true;
            case "USE_TRANSACTION":
                _transaction = Name(await Stack.PopBytesAsync());
                return true;
            case "START_THREAD":
                var machine = new Machine(Shared, await Stack.PopBytesAsync());
                Shared.Machines.Add(Task.Run(machine.RunAsync));
                return true;
            case "WAIT_EMPTY":
                await WaitUntilEmptyAsync(await Stack.PopBytesAsync());
                Push(B("WAITED_FOR_EMPTY"));
                return true;
            default:
                return false;
        }
    }

    private void UseTransaction(string name, FdbTransaction transaction)
    {
        FdbTransaction? replaced = null;
        Shared.Transactions.AddOrUpdate(name, transaction, (_, old) =>
        {
            replaced = old;
            return transaction;
        });
        replaced?.Dispose();
    }

    private async Task LogStackAsync(byte[] under)
    {
        var rows = new List<(byte[] Key, byte[] Value)>();
        for (var index = Stack.Count - 1; index >= 0; index--)
        {
            var (instruction, value) = await Stack.PopItemAsync();
            var packed = TupleCodec.Pack(value);
            byte[] key = [.. under, .. TupleCodec.Pack(index, instruction)];
            rows.Add((key, packed[..Math.Min(packed.Length, MaxLogged)]));
        }

        foreach (var batch in rows.Chunk(LogBatch))
        {
            await Shared.RunAsync(transaction =>
            {
                foreach (var (key, value) in batch) transaction.Set(key, value);
                return Task.FromResult(true);
            });
        }
    }

    private Task WaitUntilEmptyAsync(byte[] under) => Shared.RunAsync(async transaction =>
    {
        var page = await transaction.GetRangeAsync(
            KeySelector.FirstGreaterOrEqual(under),
            KeySelector.FirstGreaterOrEqual(KvKeys.PrefixEnd(under)),
            new() { Limit = 1 }).ValueAsync();
        if (page.Rows.Length > 0) throw new FdbException(FdbError.NotCommitted);
        return true;
    });

    private static object Concat(object? first, object? second) =>
        first is string text ? text + (string)second! : (byte[])[.. (byte[])first!, .. (byte[])second!];

    private static string Name(byte[] bytes) => Convert.ToHexString(bytes);
}
