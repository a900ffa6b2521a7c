using ThreeFs.Base;

namespace ThreeFs.Protos;

/// <summary><see cref="Status"/> on the wire. Codes pass through by number, also those that this build does not know.</summary>
public static class StatusMapper
{
    public static StatusMessage ToWire(this Status status) =>
        new() { Code = (uint)status.Code, Message = status.Message ?? "" };

    /// <summary>An absent status is a protocol error: every reply carries one.</summary>
    public static Status ToStatus(this StatusMessage? wire)
    {
        if (wire is null) return new Status(StatusCode.ProtocolError, "the reply carries no status");
        if (wire.Code > ushort.MaxValue) return new Status(StatusCode.ProtocolError, $"{wire.Code} is not a status code");
        return new Status((StatusCode)wire.Code, wire.Message.Length == 0 ? null : wire.Message);
    }
}
