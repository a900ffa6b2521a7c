using System.Collections.Immutable;
using ThreeFs.Base;
using ThreeFs.Contracts.Mgmtd;
using ThreeFs.Contracts.Routing;
using ThreeFs.Kv;
using ThreeFs.Mgmtd.Records;

namespace ThreeFs.Mgmtd.State;

/// <summary>
/// Reads a <see cref="ClusterRecord"/> from the store and writes the difference of two: the only place
/// that knows its keys.
/// </summary>
internal static class ClusterStore
{
    /// <summary>All records as of one snapshot; the first one that makes no sense fails the whole.</summary>
    public static async ValueTask<Result<ClusterRecord>> LoadAsync(IKvReadTransaction tx, CancellationToken ct)
    {
        var nodes = ImmutableSortedDictionary.CreateBuilder<NodeId, NodeRecord>();
        var chains = ImmutableSortedDictionary.CreateBuilder<ChainId, ChainInfo>();
        var chainOf = ImmutableDictionary.CreateBuilder<TargetId, ChainId>();
        var tables = ImmutableSortedDictionary.CreateBuilder<(ChainTableId, ChainTableVersion), ChainTable>();
        var targets = ImmutableSortedDictionary.CreateBuilder<TargetId, TargetRecord>();
        var configs = ImmutableSortedDictionary.CreateBuilder<NodeKind, ConfigInfo>();

        var status = await EachAsync(tx, KeyPrefixes.Node, row => ReadNode(row, nodes), ct);
        if (status.IsOk) status = await EachAsync(tx, KeyPrefixes.Chain, row => ReadChain(row, chains, chainOf), ct);
        if (status.IsOk) status = await EachAsync(tx, KeyPrefixes.ChainTable, row => ReadTable(row, tables), ct);
        if (status.IsOk) status = await EachAsync(tx, KeyPrefixes.Target, row => ReadTarget(row, targets), ct);
        if (status.IsOk) status = await EachAsync(tx, KeyPrefixes.Config, row => ReadConfig(row, configs), ct);
        if (!status.IsOk) return status;
        return new ClusterRecord(
            nodes.ToImmutable(), chains.ToImmutable(), tables.ToImmutable(), targets.ToImmutable(),
            configs.ToImmutable(), chainOf.ToImmutable());
    }

    public static void WriteDifference(IKvTransaction tx, ClusterRecord from, ClusterRecord to)
    {
        Write(tx, from.Nodes, to.Nodes, RecordKeys.Node, n => n.Encode());
        Write(tx, from.Chains, to.Chains, RecordKeys.Chain, ChainRecord.Encode);
        Write(tx, from.Tables, to.Tables, k => RecordKeys.Table(k.Id, k.Version), ChainTableRecord.Encode);
        Write(tx, from.Targets, to.Targets, RecordKeys.Target, t => t.Encode());
        // Older configurations stay; only the newest of a kind is in memory.
        foreach (var (kind, config) in to.Configs)
        {
            if (!from.Configs.TryGetValue(kind, out var old) || old.Version != config.Version)
                tx.Set(RecordKeys.Config(kind, config.Version), ConfigRecord.Encode(config));
        }
    }

    private static void Write<TKey, TValue>(
        IKvTransaction tx,
        ImmutableSortedDictionary<TKey, TValue> from,
        ImmutableSortedDictionary<TKey, TValue> to,
        Func<TKey, byte[]> key,
        Func<TValue, byte[]> encode)
        where TKey : notnull
        where TValue : class
    {
        if (ReferenceEquals(from, to)) return;
        foreach (var (id, value) in to)
        {
            if (!from.TryGetValue(id, out var old) || !ReferenceEquals(old, value)) tx.Set(key(id), encode(value));
        }

        foreach (var id in from.Keys)
        {
            if (!to.ContainsKey(id)) tx.Clear(key(id));
        }
    }

    private static async ValueTask<Status> EachAsync(
        IKvReadTransaction tx, KeyPrefix prefix, Func<KvRow, Status> read, CancellationToken ct)
    {
        var (begin, end) = (prefix.Range.Begin, prefix.Range.End);
        while (true)
        {
            var page = await tx.GetRangeAsync(begin, end, snapshot: true, ct: ct);
            if (!page.TryGet(out var rows)) return page.Status;
            foreach (var row in rows.Rows)
            {
                var status = read(row);
                if (!status.IsOk) return status;
            }

            if (!rows.More) return Status.Ok;
            begin = rows.Continuation;
        }
    }

    private static Status ReadNode(KvRow row, ImmutableSortedDictionary<NodeId, NodeRecord>.Builder into)
    {
        var key = new KeyReader(row.Key, KeyPrefixes.Node);
        key.U32(out var id);
        if (!key.AtEnd) return BadKey(row);
        var node = NodeRecord.Decode(row.Value, new NodeId(id));
        if (node.IsOk) into.Add(new NodeId(id), node.Value);
        return node.Status;
    }

    private static Status ReadChain(
        KvRow row, ImmutableSortedDictionary<ChainId, ChainInfo>.Builder into,
        ImmutableDictionary<TargetId, ChainId>.Builder chainOf)
    {
        var key = new KeyReader(row.Key, KeyPrefixes.Chain);
        key.U32(out var id);
        if (!key.AtEnd) return BadKey(row);
        var chain = ChainRecord.Decode(row.Value, new ChainId(id));
        if (!chain.IsOk) return chain.Status;
        into.Add(chain.Value.Id, chain.Value);
        foreach (var target in chain.Value.Targets)
        {
            if (!chainOf.TryAdd(target.Id, chain.Value.Id))
                return new Status(
                    StatusCode.Corruption,
                    $"target {target.Id} is in chain {chain.Value.Id} and in chain {chainOf[target.Id]}");
        }

        return Status.Ok;
    }

    private static Status ReadTable(
        KvRow row, ImmutableSortedDictionary<(ChainTableId, ChainTableVersion), ChainTable>.Builder into)
    {
        var key = new KeyReader(row.Key, KeyPrefixes.ChainTable);
        key.U32(out var id);
        key.U32(out var version);
        if (!key.AtEnd) return BadKey(row);
        var table = ChainTableRecord.Decode(row.Value, new ChainTableId(id), new ChainTableVersion(version));
        if (table.IsOk) into.Add((table.Value.Id, table.Value.Version), table.Value);
        return table.Status;
    }

    private static Status ReadTarget(KvRow row, ImmutableSortedDictionary<TargetId, TargetRecord>.Builder into)
    {
        var key = new KeyReader(row.Key, KeyPrefixes.Target);
        key.U64(out var id);
        if (!key.AtEnd) return BadKey(row);
        var target = TargetRecord.Decode(row.Value, new TargetId(id));
        if (target.IsOk) into.Add(target.Value.Id, target.Value);
        return target.Status;
    }

    /// <summary>Versions come in ascending order, so the last one of a kind wins.</summary>
    private static Status ReadConfig(KvRow row, ImmutableSortedDictionary<NodeKind, ConfigInfo>.Builder into)
    {
        var key = new KeyReader(row.Key, KeyPrefixes.Config);
        key.U8(out var kind);
        key.U64(out var version);
        if (!key.AtEnd || !Enum.IsDefined((NodeKind)kind)) return BadKey(row);
        var config = ConfigRecord.Decode(row.Value, (NodeKind)kind, version);
        if (config.IsOk) into[config.Value.Kind] = config.Value;
        return config.Status;
    }

    private static Status BadKey(KvRow row) => new(
        StatusCode.Corruption, $"key {KvKeys.Describe(row.Key)} is none of ours");
}
