using ThreeFs.UsrbIo;

namespace ThreeFs.Fuse.Rings;

/// <summary>
/// The mount's side of a ring's memory. Whatever is read from it is taken once and checked: a value that no honest application writes
/// breaks the ring, and nothing else.
/// </summary>
internal sealed unsafe class RingMemory
{
    private readonly byte* _base;
    private readonly RingLayout _layout;
    private readonly SharedSemaphore _done;
    private int _completeHead;
    private int _submitTail;

    /// <summary>Begins with an empty ring: positions and semaphore are set.</summary>
    public RingMemory(SharedBuffer memory, RingLayout layout)
    {
        _base = memory.Address;
        _layout = layout;
        _completeHead = Volatile.Read(ref Word(RingLayout.CompleteHeadOffset));
        _submitTail = Volatile.Read(ref Word(RingLayout.SubmitTailOffset));
        if ((uint)_completeHead >= (uint)layout.Slots) _completeHead = 0;
        if ((uint)_submitTail >= (uint)layout.Slots) _submitTail = 0;
        _done = new SharedSemaphore(_base + layout.SemaphoreOffset);
        _done.Initialize();
    }

    public int Slots => _layout.Slots;

    /// <summary>Where the application writes its next submission; -1 when that is no position.</summary>
    public int SubmitHead
    {
        get
        {
            var head = Volatile.Read(ref Word(RingLayout.SubmitHeadOffset));
            return (uint)head < (uint)_layout.Slots ? head : -1;
        }
    }

    public int SubmitTail => _submitTail;

    /// <summary>The slot that a submission names; -1 when there is no such slot.</summary>
    public int SlotAt(int position)
    {
        var index = Volatile.Read(ref ((RingSubmission*)(_base + _layout.SubmissionsOffset))[position].Index);
        return (uint)index < (uint)_layout.Slots ? index : -1;
    }

    /// <summary>A copy: what is checked is what is used.</summary>
    public RingOperation OperationOf(int slot) => ((RingOperation*)(_base + RingLayout.HeaderSize))[slot];

    /// <summary>The next so many submissions are done with.</summary>
    public void AdvanceSubmissions(int count)
    {
        _submitTail = (_submitTail + count) % _layout.Slots;
        Volatile.Write(ref Word(RingLayout.SubmitTailOffset), _submitTail);
    }

    /// <summary>False when there is no room, because the application does not take completions as it should.</summary>
    public bool TryComplete(int slot, long result, ulong userData)
    {
        var next = (_completeHead + 1) % _layout.Slots;
        if (next == Volatile.Read(ref Word(RingLayout.CompleteTailOffset))) return false;
        ((RingCompletion*)(_base + _layout.CompletionsOffset))[_completeHead] =
            new RingCompletion { Index = slot, Result = result, UserData = userData };
        _completeHead = next;
        Volatile.Write(ref Word(RingLayout.CompleteHeadOffset), next);
        return true;
    }

    /// <summary>Wakes who waits for completions; costs a system call only when somebody may.</summary>
    public void Wake()
    {
        Interlocked.MemoryBarrier();
        if (!_done.IsPosted) _done.Post();
    }

    private ref int Word(int offset) => ref *(int*)(_base + offset);
}
