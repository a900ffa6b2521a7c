using System.Text;
using ThreeFs.Kv.FoundationDb.Binding;
using ThreeFs.Kv.FoundationDb.StackTester;

namespace ThreeFs.Kv.FoundationDb.Tests.StackTester;

/// <summary>Programs of the binding tester, on the stand-in: what they leave in the database.</summary>
public sealed class MachineTests : BindingTestBase
{
    private static readonly byte[] _prefix = "program"u8.ToArray();

    [Fact]
    public async Task Data_operations() => Assert.Equal(
        ["7", "ab", "cd", "x", "x"],
        await RunAsync(
            [
                ["PUSH", 3], ["PUSH", 10], ["SUB"],
                ["PUSH", B("b")], ["PUSH", B("a")], ["CONCAT"],
                ["PUSH", "d"], ["PUSH", "c"], ["CONCAT"],
                ["PUSH", B("gone")], ["POP"],
                ["PUSH", B("x")], ["DUP"],
            ]));

    [Fact]
    public async Task Swapped_items_keep_their_instruction_numbers()
    {
        await StartAsync([["PUSH", B("a")], ["PUSH", B("b")], ["PUSH", B("c")], ["PUSH", 2], ["SWAP"], .. Log]);
        Assert.Equal(["0:2=c", "1:1=b", "2:0=a"], await LoggedAsync());
    }

    [Fact]
    public async Task Transactions_write_read_and_report() => Assert.Equal(
        ["RESULT_NOT_PRESENT", "GOT_COMMITTED_VERSION", "1", "RESULT_NOT_PRESENT", "GOT_READ_VERSION", "1"],
        await RunAsync(
            [
                ["NEW_TRANSACTION"], .. Pop(B("k"), B("1"), "SET"), ["COMMIT"], ["GET_COMMITTED_VERSION"],
                ["NEW_TRANSACTION"], .. Pop(B("k"), "GET"), .. Pop(B("none"), "GET_SNAPSHOT"), ["GET_READ_VERSION"],
                .. Pop(B("k"), "GET_DATABASE"),
            ]));

    [Fact]
    public async Task Ranges_keys_and_selectors() => Assert.Equal(
        [
            "(a,1,b,2)", "(c,3)", "(a,1,b,2,c,3)", "b", "z", "GOT_ESTIMATED_RANGE_SIZE", "GOT_RANGE_SPLIT_POINTS",
        ],
        await RunAsync(
            [
                .. Put("a", "1"), .. Put("b", "2"), .. Put("c", "3"), ["NEW_TRANSACTION"],
                .. Pop(B("a"), B("z"), 2, 0, -1, "GET_RANGE"),
                .. Pop(B("a"), B("z"), 1, 1, 0, "GET_RANGE_SNAPSHOT"),
                .. Pop(B("a"), 0, 1, B("d"), 0, 1, 0, 0, -1, B(""), "GET_RANGE_SELECTOR_DATABASE"),
                .. Pop(B("a"), 1, 1, B(""), "GET_KEY"),
                .. Pop(B("a"), 1, 1, B("z"), "GET_KEY_SNAPSHOT"),
                .. Pop(B("a"), B("z"), "GET_ESTIMATED_RANGE_SIZE"),
                .. Pop(B("a"), B("z"), 1000, "GET_RANGE_SPLIT_POINTS"),
            ]));

    [Fact]
    public async Task Mutations_clears_and_conflicts()
    {
        Assert.Equal(
            [
                "SET_CONFLICT_KEY", "RESULT_NOT_PRESENT", "(ERROR,1020)", "RESULT_NOT_PRESENT", "(ERROR,2101)",
                "GOT_APPROXIMATE_SIZE",
            ],
            await RunAsync(
                [
                    .. Put("a", "\x03"), .. Put("b", "1"), .. Put("c", "1"),
                    ["NEW_TRANSACTION"], .. Pop(B("a"), "READ_CONFLICT_KEY"), ["GET_READ_VERSION"], ["POP"],
                    .. Pop(B("x"), B("1"), "SET"),
                    .. Pop("BIT_AND", B("a"), B("\x05"), "ATOMIC_OP_DATABASE"),
                    ["COMMIT"],
                    .. Pop(1020, "ON_ERROR"), .. Pop(2101, "ON_ERROR"),
                    ["NEW_TRANSACTION"], .. Pop(B("b"), "CLEAR"), .. Pop(B("c"), "CLEAR_RANGE_STARTS_WITH"),
                    ["GET_APPROXIMATE_SIZE"], ["COMMIT"], ["POP"],
                ]));
        Assert.Equal("\x01", await CommittedAsync("a"));
        Assert.Null(await CommittedAsync("b"));
        Assert.Null(await CommittedAsync("c"));
    }

    [Fact]
    public async Task A_stamp_is_told_when_it_is_known()
    {
        var seen = await RunAsync(
            [
                .. Put("a", "1"), ["NEW_TRANSACTION"], .. Pop(B("k"), B("1"), "SET"), ["GET_VERSIONSTAMP"], ["COMMIT"],
                ["POP"], ["WAIT_FUTURE"],
            ]);
        Assert.Equal(10, Assert.Single(seen).Length);
    }

    [Fact]
    public async Task Tuples() => Assert.Equal(
        ["(a,1)", "OK", "ERROR: NONE", "(a)", "(b)", "(x)", "(y)"],
        await RunAsync(
            [
                ["PUSH", 1], ["PUSH", B("a")], ["PUSH", 2], ["TUPLE_PACK"],
                ["PUSH", new TupleStamp([.. Enumerable.Repeat((byte)0xFF, 10), 0, 0])], ["PUSH", 1], ["PUSH", B("p")],
                ["TUPLE_PACK_WITH_VERSIONSTAMP"], ["POP"],
                ["PUSH", 1], ["PUSH", 1], ["PUSH", B("p")], ["TUPLE_PACK_WITH_VERSIONSTAMP"],
                ["PUSH", TupleCodec.Pack(B("b"))], ["PUSH", TupleCodec.Pack(B("a"))], ["PUSH", 2], ["TUPLE_SORT"],
                ["PUSH", TupleCodec.Pack(B("x"), B("y"))], ["TUPLE_UNPACK"],
            ]));

    [Fact]
    public async Task Machines_start_others_and_wait_for_them()
    {
        await WriteAsync("other"u8.ToArray(), [.. Put("made", "by other"), .. Pop(B("wait"), "CLEAR_DATABASE")]);
        await PutAsync(("wait", "1"));
        object?[][] program = [.. Pop(B("other"), "START_THREAD"), .. Pop(B("wait"), "WAIT_EMPTY")];
        Assert.Equal(["WAITED_FOR_EMPTY"], await RunAsync(program));
        Assert.Equal("by other", await CommittedAsync("made"));
    }

    [Fact]
    public async Task What_instructions_cannot_express() => Assert.Empty(await RunAsync([["UNIT_TESTS"]]));

    private static object?[][] Log => [["PUSH", B("log")], ["LOG_STACK"]];

    /// <summary>Pushes the operands so that they are popped in this order, then the instruction.</summary>
    private static object?[][] Pop(params object?[] operandsAndName) =>
        [.. operandsAndName[..^1].Reverse().Select(operand => (object?[])["PUSH", operand]), [operandsAndName[^1]]];

    private static object?[][] Put(string key, string value) => [.. Pop(B(key), B(value), "SET_DATABASE"), ["POP"]];

    /// <summary>Runs a program and answers what it leaves on its stack, from the bottom.</summary>
    private async Task<string[]> RunAsync(object?[][] program)
    {
        await StartAsync([.. program, .. Log]);
        return [.. (await LoggedAsync()).Select(line => line.Split('=', 2)[1])];
    }

    private async Task StartAsync(object?[][] program)
    {
        await WriteAsync(_prefix, program);
        var shared = new Shared(Database);
        await new Machine(shared, _prefix).RunAsync();
        await Task.WhenAll(shared.Machines);
        foreach (var transaction in shared.Transactions.Values) transaction.Dispose();
    }

    private async Task WriteAsync(byte[] prefix, object?[][] program)
    {
        using var transaction = Database.BeginTransaction();
        for (var i = 0; i < program.Length; i++)
            transaction.Set(TupleCodec.Pack(prefix, i), TupleCodec.Pack(program[i]));
        await transaction.CommitAsync().CheckAsync();
    }

    private async Task<string[]> LoggedAsync()
    {
        using var transaction = Database.BeginTransaction();
        var page = await transaction.GetRangeAsync(
            KeySelector.FirstGreaterOrEqual("log"u8), KeySelector.FirstGreaterOrEqual("loh"u8), new()).ValueAsync();
        return [.. page.Rows.Select(row =>
        {
            var place = TupleCodec.Unpack(row.Key.AsSpan(3));
            return $"{place[0]}:{place[1]}={Shown(TupleCodec.Unpack(row.Value)[0])}";
        })];
    }

    private static string Shown(object? item) => item switch
    {
        // A packed tuple that begins with bytes.
        byte[] and [0x01, _, ..] bytes => $"({string.Join(',', TupleCodec.Unpack(bytes).Select(Shown))})",
        byte[] bytes => Encoding.Latin1.GetString(bytes),
        _ => $"{item}",
    };
}
