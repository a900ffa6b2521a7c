using System.Collections.Immutable;
using ThreeFs.Base;
using ThreeFs.Contracts.Routing;

namespace ThreeFs.Mgmtd.Records;

/// <summary>What mgmtd keeps of a node over terms: everything but its liveness. Key NODE + id.</summary>
/// <param name="Generation">Of the newest process that has spoken for the node; 0 before the first.</param>
internal sealed record NodeRecord(
    NodeId Id,
    NodeKind Kind,
    string HostName,
    int ProcessId,
    ImmutableArray<ServiceEndpoint> Endpoints,
    ImmutableSortedDictionary<string, string> Tags,
    ulong Generation = 0)
{
    /// <summary>The tag whose presence takes a node out of use.</summary>
    public const string DisableTag = "Disable";

    private const byte Newest = 1;

    public static readonly ImmutableSortedDictionary<string, string> NoTags =
        ImmutableSortedDictionary.Create<string, string>(StringComparer.Ordinal);

    public bool IsDisabled => Tags.ContainsKey(DisableTag);

    public bool Equals(NodeRecord? other) =>
        other is not null && Id == other.Id && Kind == other.Kind
        && HostName == other.HostName && ProcessId == other.ProcessId && Generation == other.Generation
        && Endpoints.AsSpan().SequenceEqual(other.Endpoints.AsSpan()) && Tags.SequenceEqual(other.Tags);

    public override int GetHashCode() => Id.GetHashCode();

    public byte[] Encode() => new RecordWriter(Newest)
        .U32(Id.Value).U8((byte)Kind).Text(HostName).U32((uint)ProcessId)
        .List(Endpoints, (w, e) => w.U8((byte)e.Kind).Text(e.Host).U32((uint)e.Port))
        .List(Tags, (w, t) => w.Text(t.Key).Text(t.Value))
        .U64(Generation)
        .ToArray();

    public static Result<NodeRecord> Decode(ReadOnlyMemory<byte> bytes, NodeId id)
    {
        var r = new RecordReader(bytes, Newest, $"record of node {id}");
        r.Require(r.U32() == id.Value, "it holds another node's id");
        var kind = (NodeKind)r.U8();
        r.Require(Enum.IsDefined(kind), $"unknown node kind {(byte)kind}");
        var (host, pid) = (r.Text(), (int)r.U32());
        var endpoints = r.List(x => new ServiceEndpoint((EndpointKind)x.U8(), x.Text(), (int)x.U32()));
        var tags = r.List(x => KeyValuePair.Create(x.Text(), x.Text()));
        return r.Done(new NodeRecord(id, kind, host, pid, endpoints, NoTags.SetItems(tags), r.U64()));
    }
}
