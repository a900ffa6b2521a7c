using System.Numerics;

namespace ThreeFs.Kv.FoundationDb.StackTester;

/// <summary>
/// The machine's stack: values with the number of the instruction that pushed them. A value may be a task whose answer
/// is waited for when the value is needed.
/// </summary>
internal sealed class Stack
{
    private readonly List<(int Instruction, object? Value)> _items = [];

    public int Count => _items.Count;

    public void Push(int instruction, object? value) => _items.Add((instruction, value));

    public void Clear() => _items.Clear();

    public void Duplicate() => _items.Add(_items[^1]);

    public void Swap(int depth)
    {
        var other = _items.Count - 1 - depth;
        (_items[^1], _items[other]) = (_items[other], _items[^1]);
    }

    public async Task<(int Instruction, object? Value)> PopItemAsync()
    {
        var (instruction, value) = _items[^1];
        _items.RemoveAt(_items.Count - 1);
        return (instruction, value is Task<object?> task ? await task : value);
    }

    public async Task<object?> PopAsync() => (await PopItemAsync()).Value;

    public async Task<byte[]> PopBytesAsync() => (byte[])(await PopAsync())!;

    public async Task<int> PopIntAsync() => (int)(BigInteger)(await PopAsync())!;

    public async Task<object?[]> PopManyAsync(int count)
    {
        var items = new object?[count];
        for (var i = 0; i < count; i++) items[i] = await PopAsync();
        return items;
    }
}
