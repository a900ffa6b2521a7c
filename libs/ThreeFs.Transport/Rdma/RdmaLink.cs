using System.Buffers.Binary;
using System.Runtime.InteropServices;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Io;
using ThreeFs.Io.Linux;
using ThreeFs.Transport.Rdma.Verbs;

namespace ThreeFs.Transport.Rdma;

/// <summary>Who uses a link; everything on the reactor's thread.</summary>
internal interface IRdmaLinkHost
{
    /// <summary>No message is delivered while this holds; <see cref="RdmaLink.Resume"/> tells of its end.</summary>
    bool IsFull { get; }

    /// <summary>One whole message; the bytes are valid during the call.</summary>
    void MessageArrived(ReadOnlySpan<byte> bytes);

    /// <summary>
    /// The queue pair is gone: the adapter touches no memory of this link any more, every work has ended.
    /// </summary>
    void LinkBroken(Status reason);
}

/// <summary>
/// A reliable queue pair that carries messages of any length and transfers, in the order in which they were enqueued.
/// Reactor's thread only.
/// </summary>
/// <remarks>
/// Messages travel in pieces of one receive buffer. <b>Credits</b> are exact: each side knows how many buffers of the other
/// are posted, spends one for each piece, and gets them back with the pieces that come the other way, or in a piece that
/// carries nothing else when half of the buffers are owed. Such a piece may spend the last credit, others may not, so two
/// ends never wait for each other's credits. A receiver that finds no buffer would be a defect, and breaks the link.
/// <para>
/// <b>The send queue.</b> What is enqueued in a turn of the reactor is posted at its end as chains of work requests.
/// Only the last request of a work or of a chain is signalled; completions of a reliable queue pair come in order, so one
/// of them ends all before it (<c>_marks</c>).
/// </para>
/// </remarks>
internal sealed unsafe class RdmaLink : ICompletionSink
{
    public const int BufferSize = 4096;

    /// <summary>In front of every piece: credits given back, flags, length of the whole message.</summary>
    private const int PieceHeader = 8;

    private const int PieceRoom = BufferSize - PieceHeader;
    private const ushort OnlyCredits = 1;
    private const int ChainLength = 16;
    private const int CompletionsAtOnce = 32;
    private const long LargestTransfer = 1 << 20;
    private const ulong ReceiveMark = 1UL << 63;
    private const byte RetryCount = 6; // 7 is "for ever" on some adapters

    // 4.096 µs × 2¹⁶ = 0.27 s, 1.9 s with all retries: an adapter in software waits for a processor like everybody else.
    private const byte AckTimeout = 16;
    private const byte RnrRetry = 6;
    private const byte RnrTimer = 12; // 0.64 ms

    private readonly Reactor _reactor;
    private readonly CompletionChannel _channel;
    private readonly RdmaPath _path;
    private readonly RdmaMemory _memory;
    private readonly RdmaDomain _domain;
    private readonly IRdmaLinkHost _host;
    private readonly int _buffers;
    private readonly int _maxSge;
    private readonly TimeSpan _silenceLimit;

    private readonly byte* _slots; // receive buffers, then send buffers
    private readonly IbMr* _slotsMr;
    private readonly IbSendWr* _chain;
    private readonly IbSge* _pieces;
    private readonly IbCq* _cq;
    private readonly IbQp* _qp;

    private readonly Queue<Mark> _marks = new();
    private readonly Queue<(int Slot, int Length)> _held = new();
    private RdmaWork? _head;
    private RdmaWork? _tail;
    private ulong _nextMark;
    private ulong _firstMark;
    private int _sendFree;
    private int _requestsSinceMark;
    private int _slotsSinceMark;
    private int _sendSlot;
    private int _sendSlotsFree;
    private int _credits;
    private int _peerBuffers;
    private int _owed;
    private readonly ITimer _silence;
    private long _waitsSince = -1;
    private byte[] _assembly = [];
    private int _assembled;
    private int _expected;
    private bool _flushDeferred;
    private bool _takes;
    private Status _broken;

    private RdmaLink(
        CompletionChannel channel, RdmaPath path, RdmaMemory memory, RdmaDomain domain, Reactor reactor, RdmaOptions options,
        TimeSpan silenceLimit, IRdmaLinkHost host)
    {
        _channel = channel;
        _silenceLimit = silenceLimit;
        _silence = reactor.Time.CreateTimer(
            static state => ((RdmaLink)state!).CheckSilence(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _path = path;
        _memory = memory;
        _domain = domain;
        _reactor = reactor;
        _host = host;
        _buffers = options.MessageBuffers;
        _sendFree = options.SendQueue;
        _sendSlotsFree = _buffers;
        _maxSge = path.Device.MaxSge;
        var bytes = (nuint)(2 * _buffers * BufferSize);
        _slots = (byte*)NativeMemory.AlignedAlloc(bytes, BufferSize);
        _chain = (IbSendWr*)NativeMemory.AllocZeroed(ChainLength, (nuint)sizeof(IbSendWr));
        _pieces = (IbSge*)NativeMemory.AllocZeroed((nuint)(ChainLength * _maxSge), (nuint)sizeof(IbSge));
        _slotsMr = IbVerbs.RegisterMr(path.Device.Domain(domain), (nint)_slots, bytes, IbAccess.LocalWrite);
        if (_slotsMr == null) return;
        _cq = channel.Add(this, _buffers + options.SendQueue);
        if (_cq == null) return;
        var attributes = new IbQpInitAttributes
        {
            SendCq = _cq,
            ReceiveCq = _cq,
            Type = IbQpType.ReliableConnection,
            Capabilities = new IbQpCapabilities
            {
                MaxSendWr = (uint)options.SendQueue,
                MaxReceiveWr = (uint)_buffers,
                MaxSendSge = (uint)_maxSge,
                MaxReceiveSge = 1,
            },
        };
        _qp = IbVerbs.CreateQp(path.Device.Domain(domain), &attributes);
    }

    public RdmaPath Path => _path;

    public bool IsBroken => !_broken.IsOk;

    /// <summary>A queue pair with its receive buffers posted, not yet connected.</summary>
    public static Result<RdmaLink> Open(
        CompletionChannel channel, RdmaPath path, RdmaMemory memory, RdmaDomain domain, Reactor reactor, RdmaOptions options,
        TimeSpan silenceLimit, IRdmaLinkHost host)
    {
        var link = new RdmaLink(channel, path, memory, domain, reactor, options, silenceLimit, host);
        var error = link._qp == null ? Marshal.GetLastPInvokeError() : link.Initialise();
        if (error == 0) return link;
        var reason = new Status(StatusCode.IoError, $"{path} gives no queue pair: {Errno.Describe(error)}");
        link._broken = reason;
        link.Destroy();
        return reason;
    }

    private int Initialise()
    {
        // Calls and services differ in their memory's keys; that the peer may use the keys it was told is the same.
        var attributes = new IbQpAttributes
        {
            State = IbQpState.Init,
            Port = _path.Port,
            Access = IbAccess.LocalWrite | IbAccess.RemoteWrite | IbAccess.RemoteRead,
        };
        var error = IbVerbs.ModifyQp(
            _qp, &attributes, IbQpMask.State | IbQpMask.PartitionKeyIndex | IbQpMask.Port | IbQpMask.Access);
        for (var slot = 0; error == 0 && slot < _buffers; slot++) error = PostReceive(slot);
        return error;
    }

    /// <summary>What the peer has to know of this end.</summary>
    public RdmaHello Hello(uint firstPsn) => new()
    {
        QueuePair = _qp->Number,
        FirstPsn = firstPsn,
        Gid = _path.Gid,
        Lid = _path.Lid,
        Mtu = _path.Mtu,
        IsGlobal = _path.IsGlobal,
        ReceiveBuffers = _buffers,
        BufferSize = BufferSize,
        ReadsIn = _path.Device.MaxReadsIn,
    };

    /// <summary>
    /// Connects to the peer's queue pair. Fails with <see cref="StatusCode.ConnectFailed"/> when the adapter finds no way
    /// to it.
    /// </summary>
    public Status Connect(in RdmaHello mine, in RdmaHello peer)
    {
        if (peer.BufferSize < BufferSize)
            return new Status(StatusCode.ProtocolError, $"the peer's buffers hold {peer.BufferSize} bytes, {BufferSize} are needed");
        var receive = new IbQpAttributes
        {
            State = IbQpState.ReadyToReceive,
            PathMtu = peer.Mtu < mine.Mtu ? peer.Mtu : mine.Mtu,
            DestinationQp = peer.QueuePair,
            ReceivePsn = peer.FirstPsn,
            MaxReadsIn = (byte)_path.Device.MaxReadsIn,
            MinRnrTimer = RnrTimer,
            Address = new IbAddressAttributes
            {
                Destination = peer.Gid,
                DestinationLid = peer.Lid,
                SourceGidIndex = (byte)_path.GidIndex,
                HopLimit = 64,
                IsGlobal = peer.IsGlobal ? (byte)1 : (byte)0,
                Port = _path.Port,
            },
        };
        var error = IbVerbs.ModifyQp(
            _qp, &receive,
            IbQpMask.State | IbQpMask.PathMtu | IbQpMask.DestinationQp | IbQpMask.ReceivePsn | IbQpMask.MaxReadsIn
            | IbQpMask.MinRnrTimer | IbQpMask.Address);
        if (error != 0) return Failed("make the queue pair ready to receive", error);
        var send = new IbQpAttributes
        {
            State = IbQpState.ReadyToSend,
            SendPsn = mine.FirstPsn,
            Timeout = AckTimeout,
            RetryCount = RetryCount,
            RnrRetry = RnrRetry,
            MaxReadsOut = (byte)Math.Min(_path.Device.MaxReadsOut, peer.ReadsIn),
        };
        error = IbVerbs.ModifyQp(
            _qp, &send,
            IbQpMask.State | IbQpMask.SendPsn | IbQpMask.Timeout | IbQpMask.RetryCount | IbQpMask.RnrRetry | IbQpMask.MaxReadsOut);
        if (error != 0) return Failed("make the queue pair ready to send", error);
        _credits = _peerBuffers = peer.ReceiveBuffers;
        return Status.Ok;
    }

    private Status Failed(string what, int error) =>
        new(StatusCode.ConnectFailed, $"{_path}: {what}: {Errno.Describe(error)}");

    /// <summary>The memory can be moved to and from without a copy. Any thread.</summary>
    public bool IsRegistered(in IoSlices memory)
    {
        for (var i = 0; i < memory.Count; i++)
        {
            if (!memory[i].IsEmpty && _memory.Find(_path.Device, _domain, memory[i]) == null) return false;
        }

        return true;
    }

    /// <summary>
    /// Writes addresses and keys of registered memory, <see cref="RemoteSlice.Size"/> bytes each. Any thread.
    /// </summary>
    public void WriteSlices(in IoSlices memory, Span<byte> destination)
    {
        for (var i = 0; i < memory.Count; i++)
        {
            var slice = default(RemoteSlice);
            if (!memory[i].IsEmpty)
            {
                var registration = _memory.Find(_path.Device, _domain, memory[i]);
                Invariant.Check(registration != null, "memory that a peer is told of is registered");
                slice.Address = (ulong)memory[i].Address;
                slice.Length = (uint)memory[i].Length;
                slice.Key = registration->RemoteKey;
            }

            MemoryMarshal.Write(destination[(i * RemoteSlice.Size)..], slice);
        }
    }

    /// <summary>Does the work in its turn; its owner hears of the end, which may be now when the link is broken.</summary>
    public void Enqueue(RdmaWork work)
    {
        if (IsBroken)
        {
            work.Owner.WorkEnded(work, isDone: false);
            return;
        }

        Invariant.Check(!work.IsBusy, "work is enqueued once");
        work.IsBusy = true;
        work.Next = null;
        if (_tail is null) _head = work;
        else _tail.Next = work;
        _tail = work;
        DeferFlush();
    }

    /// <summary>Takes work back of which the adapter has nothing yet. It does not end, it never was.</summary>
    public bool TryWithdraw(RdmaWork work)
    {
        if (!work.IsBusy || !work.IsUntouched) return false;
        RdmaWork? before = null;
        for (var at = _head; at is not null; before = at, at = at.Next)
        {
            if (at != work) continue;
            if (before is null) _head = work.Next;
            else before.Next = work.Next;
            if (_tail == work) _tail = before;
            work.IsBusy = false;
            return true;
        }

        return false;
    }

    private void DeferFlush()
    {
        if (_flushDeferred) return;
        _flushDeferred = true;
        _reactor.Defer(static state => ((RdmaLink)state!).Flush(), this);
    }

    private void Flush()
    {
        _flushDeferred = false;
        var count = 0;
        while (!IsBroken && _head is { } work)
        {
            if (!Fill(work, ref count))
            {
                if (count < ChainLength) break;
                Submit(ref count);
                continue;
            }

            _head = work.Next;
            if (_head is null) _tail = null;
        }

        if (!IsBroken && _owed >= _buffers / 2 && _credits >= 1 && _sendSlotsFree > 0 && _sendFree > 0)
        {
            if (count == ChainLength) Submit(ref count);
            if (!IsBroken) AddPiece(ref count, default, 0, OnlyCredits);
        }

        if (!IsBroken && count > 0) Submit(ref count);
        if (!IsBroken) WatchSilence();
    }

    /// <summary>
    /// A peer that is stopped keeps its adapter, which acknowledges everything; that it gives no credits back tells.
    /// </summary>
    private void WatchSilence()
    {
        var waits = _head is not null && _credits < 2;
        if (!waits) _waitsSince = -1;
        else if (_waitsSince < 0)
        {
            _waitsSince = Environment.TickCount64;
            _silence.Change(_silenceLimit, Timeout.InfiniteTimeSpan);
        }
    }

    private void CheckSilence()
    {
        if (IsBroken || _waitsSince < 0) return;
        var left = _waitsSince + (long)_silenceLimit.TotalMilliseconds - Environment.TickCount64;
        if (left > 0) _silence.Change(TimeSpan.FromMilliseconds(left), Timeout.InfiniteTimeSpan);
        else Break(new Status(StatusCode.ConnectionLost, $"{_path}: the peer took no message for {_silenceLimit.TotalSeconds:0.#} s"));
    }

    /// <summary>Adds what there is room for; true when nothing of the work is left.</summary>
    private bool Fill(RdmaWork work, ref int count)
    {
        while (!work.IsMoved)
        {
            if (count == ChainLength || _sendFree == 0) return false;
            AddTransfer(work, ref count);
        }

        while (!work.IsSent)
        {
            if (count == ChainLength || _sendFree == 0 || _sendSlotsFree == 0 || _credits < 2) return false;
            var part = work.Message[work.MessageSent..];
            if (part.Length > PieceRoom) part = part[..PieceRoom];
            AddPiece(ref count, part, work.MessageLength, 0);
            work.MessageSent += part.Length;
        }

        SignalLast(count, work);
        return true;
    }

    private void AddTransfer(RdmaWork work, ref int count)
    {
        var remote = work.NextRemote(LargestTransfer);
        var request = Next(ref count, work.Opcode);
        request->RemoteAddress = remote.Address;
        request->RemoteKey = remote.Key;
        var left = (long)remote.Length;
        while (left > 0 && request->PieceCount < _maxSge)
        {
            var local = work.NextLocal(left);
            var registration = _memory.Find(_path.Device, _domain, local);
            Invariant.Check(registration != null, "memory that is moved is registered");
            request->Pieces[request->PieceCount++] = new IbSge
            {
                Address = (ulong)local.Address,
                Length = (uint)local.Length,
                LocalKey = registration->LocalKey,
            };
            work.Advance(local.Length);
            left -= local.Length;
        }
    }

    private void AddPiece(ref int count, ReadOnlySpan<byte> part, int total, ushort flags)
    {
        var slot = _slots + (nint)(_buffers + _sendSlot) * BufferSize;
        var bytes = new Span<byte>(slot, BufferSize);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes, (ushort)_owed);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[2..], flags);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[4..], total);
        part.CopyTo(bytes[PieceHeader..]);
        _owed = 0;
        _credits--;
        _sendSlot = (_sendSlot + 1) % _buffers;
        _sendSlotsFree--;
        _slotsSinceMark++;
        var request = Next(ref count, IbOpcode.Send);
        request->PieceCount = 1;
        request->Pieces[0] = new IbSge
        {
            Address = (ulong)slot,
            Length = (uint)(PieceHeader + part.Length),
            LocalKey = _slotsMr->LocalKey,
        };
    }

    private IbSendWr* Next(ref int count, IbOpcode opcode)
    {
        var request = &_chain[count];
        *request = new IbSendWr { Opcode = opcode, Pieces = &_pieces[count * _maxSge] };
        if (count > 0) _chain[count - 1].Next = request;
        count++;
        _sendFree--;
        _requestsSinceMark++;
        return request;
    }

    /// <summary>The last request of the chain tells when it and all before it are done.</summary>
    private void SignalLast(int count, RdmaWork? ended)
    {
        Invariant.Check(count > 0, "work is not empty");
        var last = &_chain[count - 1];
        last->Flags = IbSendFlags.Signaled;
        last->Id = _nextMark++;
        _marks.Enqueue(new Mark(ended, _requestsSinceMark, _slotsSinceMark));
        _requestsSinceMark = 0;
        _slotsSinceMark = 0;
    }

    private void Submit(ref int count)
    {
        if (_requestsSinceMark > 0) SignalLast(count, null);
        count = 0;
        IbSendWr* bad;
        var error = _qp->Context->PostSend(_qp, _chain, &bad);
        if (error != 0) Break(new Status(StatusCode.ConnectionLost, $"{_path}: post to the send queue: {Errno.Describe(error)}"));
    }

    private int PostReceive(int slot)
    {
        var piece = new IbSge
        {
            Address = (ulong)(_slots + (nint)slot * BufferSize),
            Length = BufferSize,
            LocalKey = _slotsMr->LocalKey,
        };
        var request = new IbRecvWr { Id = ReceiveMark | (uint)slot, Pieces = &piece, PieceCount = 1 };
        IbRecvWr* bad;
        return _qp->Context->PostReceive(_qp, &request, &bad);
    }

    public bool TakeCompletions()
    {
        // A handler may end up here again through a spinning channel; completions are taken by one loop at a time.
        if (_takes || IsBroken) return false;
        _takes = true;
        var any = false;
        var completions = stackalloc IbWc[CompletionsAtOnce];
        while (!IsBroken)
        {
            var count = _cq->Context->PollCq(_cq, CompletionsAtOnce, completions);
            if (count <= 0)
            {
                if (count < 0) Break(new Status(StatusCode.ConnectionLost, $"{_path}: the completion queue cannot be read"));
                break;
            }

            any = true;
            for (var i = 0; i < count && !IsBroken; i++) Completed(completions[i]);
        }

        _takes = false;
        if (any && !IsBroken && (_head is not null || _owed >= _buffers / 2)) DeferFlush();
        return any;
    }

    private void Completed(in IbWc completion)
    {
        if (completion.Status != IbWcStatus.Success)
        {
            Break(new Status(StatusCode.ConnectionLost, $"{_path}: {Describe(completion.Status)}"));
            return;
        }

        if ((completion.Id & ReceiveMark) != 0) Received((int)(completion.Id & ~ReceiveMark), (int)completion.Length);
        else Ended(completion.Id);
    }

    private void Ended(ulong mark)
    {
        while (_firstMark <= mark && !IsBroken)
        {
            _firstMark++;
            var done = _marks.Dequeue();
            _sendFree += done.Requests;
            _sendSlotsFree += done.Slots;
            if (done.Ended is not { } work) continue;
            work.IsBusy = false;
            work.Owner.WorkEnded(work, isDone: true);
        }
    }

    private void Received(int slot, int length)
    {
        var bytes = new ReadOnlySpan<byte>(_slots + (nint)slot * BufferSize, length);
        if (length < PieceHeader)
        {
            Break(new Status(StatusCode.ProtocolError, $"the peer sent a piece of {length} bytes"));
            return;
        }

        _credits += BinaryPrimitives.ReadUInt16LittleEndian(bytes);
        _waitsSince = -1;
        if (_credits > _peerBuffers || _owed + _held.Count >= _buffers)
        {
            Break(new Status(StatusCode.ProtocolError, "the peer gives or takes credits that do not exist"));
            return;
        }

        if ((BinaryPrimitives.ReadUInt16LittleEndian(bytes[2..]) & OnlyCredits) != 0)
        {
            GiveBack(slot);
            return;
        }

        // A cancellation need not wait behind requests: it is what makes room.
        var passes = _expected == 0 && length == PieceHeader + RdmaMessage.Size && bytes[PieceHeader] == (byte)RdmaMessageKind.Cancel;
        if (!passes && (_held.Count > 0 || _host.IsFull)) _held.Enqueue((slot, length));
        else Deliver(slot, length);
    }

    /// <summary>Delivers what was held back, as far as the host takes it.</summary>
    public void Resume()
    {
        while (!IsBroken && !_host.IsFull && _held.TryDequeue(out var held)) Deliver(held.Slot, held.Length);
        if (!IsBroken && _owed >= _buffers / 2) DeferFlush();
    }

    private void Deliver(int slot, int length)
    {
        var bytes = new ReadOnlySpan<byte>(_slots + (nint)slot * BufferSize, length);
        var total = BinaryPrimitives.ReadInt32LittleEndian(bytes[4..]);
        var part = bytes[PieceHeader..];
        if (_expected == 0)
        {
            _expected = total;
            _assembled = 0;
        }

        if (total != _expected || total is <= 0 or > RdmaMessage.MaxLength || part.IsEmpty || part.Length > total - _assembled)
        {
            Break(new Status(StatusCode.ProtocolError, "the peer sent pieces that make no message"));
            return;
        }

        if (part.Length == total)
        {
            // The common case: no copy.
            _expected = 0;
            _host.MessageArrived(part);
            if (!IsBroken) GiveBack(slot);
            return;
        }

        if (_assembly.Length < total) _assembly = new byte[Math.Max(total, 4 * BufferSize)];
        part.CopyTo(_assembly.AsSpan(_assembled));
        _assembled += part.Length;
        GiveBack(slot);
        if (IsBroken || _assembled < total) return;
        _expected = 0;
        _host.MessageArrived(_assembly.AsSpan(0, total));
    }

    private void GiveBack(int slot)
    {
        var error = PostReceive(slot);
        if (error == 0) _owed++;
        else Break(new Status(StatusCode.ConnectionLost, $"{_path}: post to the receive queue: {Errno.Describe(error)}"));
    }

    /// <summary>
    /// Destroys the queue pair, so that nothing of the peer reaches this memory any more, then ends every work and tells
    /// the host. The first reason stays.
    /// </summary>
    public void Break(Status reason)
    {
        if (IsBroken) return;
        _broken = reason;
        Destroy();
        while (_marks.TryDequeue(out var mark))
        {
            if (mark.Ended is { } work) GiveUp(work);
        }

        for (var work = _head; work is not null;)
        {
            var next = work.Next;
            GiveUp(work);
            work = next;
        }

        _head = _tail = null;
        _held.Clear();
        _host.LinkBroken(reason);
    }

    /// <summary>Destroys a link that was never connected; the host hears nothing.</summary>
    public void Discard()
    {
        Invariant.Check(!IsBroken && _head is null && _marks.Count == 0, "a link that is discarded has done nothing");
        _broken = new Status(StatusCode.Cancelled, "the link was not connected");
        Destroy();
    }

    private static void GiveUp(RdmaWork work)
    {
        work.IsBusy = false;
        work.Owner.WorkEnded(work, isDone: false);
    }

    private void Destroy()
    {
        _silence.Dispose();
        if (_qp != null) Check(IbVerbs.DestroyQp(_qp), "queue pair");
        if (_cq != null) _channel.Remove(_cq);
        if (_slotsMr != null) Check(IbVerbs.DeregisterMr(_slotsMr), "registration");
        NativeMemory.AlignedFree(_slots);
        NativeMemory.Free(_chain);
        NativeMemory.Free(_pieces);

        // EIO: the adapter itself is gone, and everything of it with it.
        static void Check(int code, string what) =>
            Invariant.Check(code is 0 or Errno.EIO, $"a {what} of a broken link can be destroyed");
    }

    private static string Describe(IbWcStatus status) => status switch
    {
        IbWcStatus.RetryExceeded or IbWcStatus.ResponseTimeout => "the peer does not answer",
        IbWcStatus.RnrRetryExceeded => "the peer had no buffer for a message",
        IbWcStatus.RemoteAccess => "the peer refused access to its memory",
        IbWcStatus.RemoteInvalidRequest or IbWcStatus.RemoteOperation => "the peer could not execute a request",
        IbWcStatus.LocalProtection or IbWcStatus.LocalLength or IbWcStatus.LocalQpOperation =>
            $"the adapter refused a request of this end ({status})",
        IbWcStatus.Flushed => "the connection is closed",
        _ => $"work failed with {status}",
    };

    /// <summary>A signalled request: the work that it ends, if any, and what is free when it has completed.</summary>
    private readonly record struct Mark(RdmaWork? Ended, int Requests, int Slots);
}
