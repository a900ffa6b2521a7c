using ThreeFs.Base;

namespace ThreeFs.Mgmtd.Records;

/// <summary>
/// Who is the primary. Written only when that changes, so the transactions of a primary, which all read it, do not
/// conflict with its beats. Key SING + "MgmtdLease".
/// </summary>
/// <param name="Term">Rises with every take-over; the upper half of every routing version.</param>
/// <param name="Owner">null: released, may be taken at once.</param>
internal sealed record LeaseRecord(uint Term, NodeRecord? Owner)
{
    private const byte Newest = 1;

    public byte[] Encode()
    {
        var w = new RecordWriter(Newest).U32(Term).U8(Owner is null ? (byte)0 : (byte)1);
        return Owner is null ? w.ToArray() : [.. w.U32(Owner.Id.Value).ToArray(), .. Owner.Encode()];
    }

    public static Result<LeaseRecord> Decode(ReadOnlyMemory<byte> bytes)
    {
        const int head = 6;
        var r = new RecordReader(
            bytes.Length > head ? bytes[..(head + Math.Min(4, bytes.Length - head))] : bytes, Newest,
            "record of the primary's lease");
        var term = r.U32();
        if (r.U8() == 0) return r.Done(new LeaseRecord(term, null));
        var owner = new NodeId(r.U32());
        if (!r.Status.IsOk) return r.Status;
        var node = NodeRecord.Decode(bytes[(head + 4)..], owner);
        return node.TryGet(out var record) ? new LeaseRecord(term, record) : node.Status;
    }
}

/// <summary>The primary's sign of life: a counter that challengers watch. Key SING + "MgmtdBeat".</summary>
internal sealed record BeatRecord(uint Term, ulong Beat)
{
    private const byte Newest = 1;

    public byte[] Encode() => new RecordWriter(Newest).U32(Term).U64(Beat).ToArray();

    public static Result<BeatRecord> Decode(ReadOnlyMemory<byte> bytes)
    {
        var r = new RecordReader(bytes, Newest, "record of the primary's beat");
        return r.Done(new BeatRecord(r.U32(), r.U64()));
    }
}
