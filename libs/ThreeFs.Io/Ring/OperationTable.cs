using ThreeFs.Base;

namespace ThreeFs.Io.Ring;

/// <summary>The operations in flight, found by the number that travels through the kernel with each.</summary>
internal sealed class OperationTable
{
    private RingOperation?[] _operations = new RingOperation?[256];
    private int[] _free = new int[256];
    private int _freeCount;
    private int _used;

    public int Count { get; private set; }

    public int Add(RingOperation operation)
    {
        Invariant.Check(operation.Slot < 0, "an operation is started once at a time");
        var slot = _freeCount > 0 ? _free[--_freeCount] : _used++;
        if (slot == _operations.Length)
        {
            Array.Resize(ref _operations, slot * 2);
            Array.Resize(ref _free, slot * 2);
        }

        _operations[slot] = operation;
        operation.Slot = slot;
        Count++;
        return slot;
    }

    public RingOperation Remove(ulong number)
    {
        Invariant.Check(number < (ulong)_used, "a completion names an operation");
        var slot = (int)number;
        var operation = _operations[slot];
        Invariant.Check(operation is not null, "a completion names an operation in flight");
        _operations[slot] = null;
        _free[_freeCount++] = slot;
        operation.Slot = -1;
        Count--;
        return operation;
    }
}
