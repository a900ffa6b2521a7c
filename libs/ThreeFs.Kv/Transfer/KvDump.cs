using System.Buffers.Binary;
using ThreeFs.Base;

namespace ThreeFs.Kv.Transfer;

/// <summary>
/// A store as one stream of bytes, the same for every engine (docs/operations/metadata-copies.md); numbers are
/// little-endian:
/// <code>
///   head   "3FSMETA\n", format version u32 = 1, zero u32
///   row    key length u32 (not 0), value length u32, key, value     in ascending order of keys
///   ...
///   end    zero u32, rows u64, bytes of keys and values u64, CRC-32C u32 of all rows
/// </code>
/// What the keys and values are is the records' business; they have versions of their own.
/// </summary>
public static class KvDump
{
    public const uint FormatVersion = 1;

    private const int HeadSize = 16;
    private const int EndSize = 24;
    private const int BatchRows = KvLimits.DefaultPageRows;

    private static ReadOnlySpan<byte> Magic => "3FSMETA\n"u8;

    /// <summary>Writes the store, which nobody uses, and answers what it wrote.</summary>
    public static async ValueTask<Result<KvDigest>> WriteAsync(
        KvWholeStore from, Stream to, KvFilling.Progress progress, CancellationToken ct)
    {
        await to.WriteAsync(Head(), CancellationToken.None);
        var written = await from.ScanAsync(
            async (rows, soFar) =>
            {
                foreach (var row in rows) await WriteAsync(to, row);
                progress(soFar);
                return Status.Ok;
            },
            ct);
        if (written.IsOk) await to.WriteAsync(End(written.Value), CancellationToken.None);
        return written;
    }

    /// <summary>Fills an empty store from what was written; a damaged or cut stream leaves it empty.</summary>
    public static ValueTask<Result<KvDigest>> LoadAsync(
        Stream from, KvWholeStore to, KvFilling.Progress progress, CancellationToken ct) =>
        KvFilling.RunAsync(to, () => FillAsync(from, to, progress, ct), ct);

    private static async ValueTask<Result<KvDigest>> FillAsync(
        Stream from, KvWholeStore to, KvFilling.Progress progress, CancellationToken ct)
    {
        try
        {
            var head = await ReadAsync(from, HeadSize);
            var status = CheckHead(head);
            return status.IsOk ? await FillRowsAsync(from, to, progress, ct) : status;
        }
        catch (EndOfStreamException)
        {
            return Damaged("ends before its end");
        }
        catch (IOException e)
        {
            return new Status(StatusCode.IoError, $"the file cannot be read: {e.Message}");
        }
    }

    private static async ValueTask<Result<KvDigest>> FillRowsAsync(
        Stream from, KvWholeStore to, KvFilling.Progress progress, CancellationToken ct)
    {
        var digest = default(KvDigest);
        var batch = new List<KvRow>();
        var batchBytes = 0;
        var last = Array.Empty<byte>();
        while (true)
        {
            var keyLength = BinaryPrimitives.ReadInt32LittleEndian(await ReadAsync(from, 4));
            var isFull = batch.Count == BatchRows || batchBytes >= KvLimits.MaxPageBytes;
            if (isFull || (keyLength == 0 && batch.Count > 0))
            {
                var status = await to.WriteAsync(batch, ct);
                if (!status.IsOk) return status;
                progress(digest);
                batch.Clear();
                batchBytes = 0;
            }

            if (keyLength == 0) return await CheckEndAsync(from, digest);
            var read = await ReadRowAsync(from, keyLength, last);
            if (!read.TryGet(out var row)) return read.Status;
            batch.Add(row);
            batchBytes += row.Key.Length + row.Value.Length;
            digest = digest.With(row);
            last = row.Key;
        }
    }

    private static async ValueTask<Result<KvRow>> ReadRowAsync(Stream from, int keyLength, byte[] last)
    {
        var valueLength = BinaryPrimitives.ReadInt32LittleEndian(await ReadAsync(from, 4));
        if (keyLength is < 0 or > KvLimits.MaxKeyBytes || valueLength is < 0 or > KvLimits.MaxValueBytes)
            return Damaged($"has a row of {keyLength} and {valueLength} bytes");
        var row = new KvRow(await ReadAsync(from, keyLength), await ReadAsync(from, valueLength));
        return row.Key.AsSpan().SequenceCompareTo(last) > 0 ? row : Damaged("has keys that are not in order");
    }

    private static async ValueTask<Result<KvDigest>> CheckEndAsync(Stream from, KvDigest digest)
    {
        var end = await ReadAsync(from, EndSize - 4);
        if (!end.AsSpan().SequenceEqual(End(digest).AsSpan(4))) return Damaged("does not match its own checksum");
        return from.ReadByte() < 0 ? digest : Damaged("goes on behind its end");
    }

    private static Status CheckHead(byte[] head)
    {
        if (!head.AsSpan().StartsWith(Magic)) return Damaged("is no dump of metadata");
        var version = BinaryPrimitives.ReadUInt32LittleEndian(head.AsSpan(Magic.Length));
        return version == FormatVersion
            ? Status.Ok
            : new Status(
                StatusCode.UnknownFormatVersion, $"the file has format {version}, this program reads {FormatVersion}");
    }

    private static async ValueTask WriteAsync(Stream to, KvRow row)
    {
        var lengths = new byte[KvDigest.LengthsSize];
        KvDigest.WriteLengths(row, lengths);
        await to.WriteAsync(lengths);
        await to.WriteAsync(row.Key);
        await to.WriteAsync(row.Value);
    }

    private static byte[] Head()
    {
        var head = new byte[HeadSize];
        Magic.CopyTo(head);
        BinaryPrimitives.WriteUInt32LittleEndian(head.AsSpan(Magic.Length), FormatVersion);
        return head;
    }

    private static byte[] End(KvDigest digest)
    {
        var end = new byte[EndSize];
        BinaryPrimitives.WriteInt64LittleEndian(end.AsSpan(4), digest.Rows);
        BinaryPrimitives.WriteInt64LittleEndian(end.AsSpan(12), digest.Bytes);
        BinaryPrimitives.WriteUInt32LittleEndian(end.AsSpan(20), digest.Checksum);
        return end;
    }

    private static async ValueTask<byte[]> ReadAsync(Stream from, int count)
    {
        var bytes = new byte[count];
        await from.ReadExactlyAsync(bytes);
        return bytes;
    }

    private static Status Damaged(string how) => new(StatusCode.Corruption, $"the file {how}");
}
