using System.Buffers.Binary;

namespace ThreeFs.Kv.FoundationDb.StackTester;

/// <summary>Instructions on tuples and floating-point numbers.</summary>
internal static class TupleOperations
{
    public static async Task<bool> ExecuteAsync(Machine machine, string name)
    {
        var stack = machine.Stack;
        switch (name)
        {
            case "TUPLE_PACK":
                machine.Push(TupleCodec.Pack(await PopCountedAsync(stack)));
                return true;
            case "TUPLE_PACK_WITH_VERSIONSTAMP":
                PackWithStamp(machine, await stack.PopBytesAsync(), await PopCountedAsync(stack));
                return true;
            case "TUPLE_UNPACK":
                foreach (var item in TupleCodec.Unpack(await stack.PopBytesAsync()))
                    machine.Push(TupleCodec.Pack(item));
                return true;
            case "TUPLE_RANGE":
                var packed = TupleCodec.Pack(await PopCountedAsync(stack));
                machine.Push((byte[])[.. packed, 0x00]);
                machine.Push((byte[])[.. packed, 0xFF]);
                return true;
            case "TUPLE_SORT":
                var tuples = (await PopCountedAsync(stack)).Cast<byte[]>().ToList();
                tuples.Sort((a, b) => a.AsSpan().SequenceCompareTo(b));
                foreach (var tuple in tuples) machine.Push(TupleCodec.Pack(TupleCodec.Unpack(tuple)));
                return true;
            case "ENCODE_FLOAT":
                var single = BinaryPrimitives.ReadUInt32BigEndian(await stack.PopBytesAsync());
                machine.Push(BitConverter.UInt32BitsToSingle(single));
                return true;
            case "ENCODE_DOUBLE":
                var number = BinaryPrimitives.ReadUInt64BigEndian(await stack.PopBytesAsync());
                machine.Push(BitConverter.UInt64BitsToDouble(number));
                return true;
            case "DECODE_FLOAT":
                var bits = BitConverter.SingleToUInt32Bits((float)(await stack.PopAsync())!);
                machine.Push(BitConverter.GetBytes(BinaryPrimitives.ReverseEndianness(bits)));
                return true;
            case "DECODE_DOUBLE":
                var longBits = BitConverter.DoubleToUInt64Bits((double)(await stack.PopAsync())!);
                machine.Push(BitConverter.GetBytes(BinaryPrimitives.ReverseEndianness(longBits)));
                return true;
            default:
                return false;
        }
    }

    private static async Task<object?[]> PopCountedAsync(Stack stack) =>
        await stack.PopManyAsync(await stack.PopIntAsync());

    private static void PackWithStamp(Machine machine, byte[] prefix, object?[] items)
    {
        switch (TupleCodec.FindIncomplete(items))
        {
            case -1:
                machine.Push(Machine.B("ERROR: NONE"));
                break;
            case -2:
                machine.Push(Machine.B("ERROR: MULTIPLE"));
                break;
            case var place:
                machine.Push(Machine.B("OK"));
                var offset = BitConverter.GetBytes(prefix.Length + place);
                machine.Push((byte[])[.. prefix, .. TupleCodec.Pack(items), .. offset]);
                break;
        }
    }
}
