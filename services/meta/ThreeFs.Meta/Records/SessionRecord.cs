using ThreeFs.Base;
using ThreeFs.Contracts.Meta;

namespace ThreeFs.Meta.Records;

/// <summary>One open of a file that keeps its content alive.</summary>
/// <param name="Since">Registration, by the server's clock.</param>
/// <param name="CanWrite">The length may have grown beyond the record when the client dies.</param>
/// <param name="OnlyAppends">Every write's place is reserved before, so the record knows it.</param>
internal readonly record struct SessionRecord(ClientId Client, FileTime Since, bool CanWrite, bool OnlyAppends = false)
{
    public const byte Version = 1;
    private const int Size = 26;
    private const byte WriteBit = 1, AppendBit = 2;

    public byte[] Encode()
    {
        var w = new RecordWriter(stackalloc byte[Size], Version);
        w.Guid(Client.Value);
        w.I64(Since.Nanoseconds);
        w.U8((byte)((CanWrite ? WriteBit : 0) | (OnlyAppends ? AppendBit : 0)));
        return w.Written.ToArray();
    }

    public static Result<SessionRecord> Decode(InodeId inode, ReadOnlySpan<byte> bytes)
    {
        var r = new RecordReader(bytes, Version);
        var (client, since, bits) = (new ClientId(r.Guid()), new FileTime(r.I64()), r.U8());
        var status = r.End("session", inode.Value);
        if (!status.IsOk) return status;
        return new SessionRecord(client, since, bits != 0, (bits & AppendBit) != 0);
    }
}
