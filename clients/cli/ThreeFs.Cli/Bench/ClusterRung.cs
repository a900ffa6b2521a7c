using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Client;
using ThreeFs.Client.Files;
using ThreeFs.Contracts.Meta;

namespace ThreeFs.Cli.Bench;

/// <summary>
/// A file of the cluster: its chunks on their chains directly, or the file with holes, lengths and
/// splitting above them.
/// </summary>
internal sealed class ClusterRung : IRung
{
    private readonly ThreeFsClient _client;
    private readonly OpenFile _file;
    private readonly FileName _name;
    private readonly bool _chunksDirectly;

    private ClusterRung(string rung, ThreeFsClient client, OpenFile file, FileName name, bool chunksDirectly)
    {
        Name = rung;
        _client = client;
        _file = file;
        _name = name;
        _chunksDirectly = chunksDirectly;
    }

    public string Name { get; }

    public static async ValueTask<Result<IRung>> OpenAsync(
        string rung, ThreeFsClient client, string name, bool chunksDirectly)
    {
        var fileName = FileName.FromText(name);
        var created = await client.Files.CreateAsync(
            UserInfo.Root, InodeId.Root, fileName, new NewInode(InodeType.File, 0x180),
            OpenFlags.Read | OpenFlags.Write | OpenFlags.Exclusive);
        return created.TryGet(out var file)
            ? Result<IRung>.Of(new ClusterRung(rung, client, file.File, fileName, chunksDirectly))
            : created.Status;
    }

    public async ValueTask<Status> ReadAsync(long offset, IoMemory destination)
    {
        if (_chunksDirectly)
        {
            var (chain, chunk, at) = Place(offset);
            var answer = await _client.Storage.ReadAsync(chain, chunk, at, destination);
            return answer.Code == StatusCode.Ok && answer.Length == destination.Length
                ? Status.Ok
                : new Status(StatusCode.IoError, $"chunk read: {answer}");
        }

        var read = await _file.ReadAsync(offset, destination);
        if (!read.TryGet(out var length)) return read.Status;
        return length == destination.Length ? Status.Ok : new Status(StatusCode.IoError, $"short read at {offset}");
    }

    public async ValueTask<Status> WriteAsync(long offset, IoMemory source)
    {
        if (!_chunksDirectly) return (await _file.WriteAsync(offset, source)).Status;
        var (chain, chunk, at) = Place(offset);
        var chunkSize = _file.Content.Placement.Layout.ChunkSize;
        return (await _client.Storage.WriteAsync(chain, chunk, at, source, chunkSize)).Code;
    }

    public ValueTask<Status> FlushAsync() =>
        _chunksDirectly ? _client.Storage.FlushAsync(_file.Content.Placement.Chains.ToArray()) : _file.FSyncAsync();

    public async ValueTask DisposeAsync()
    {
        await _file.CloseAsync();
        await _client.Files.UnlinkAsync(UserInfo.Root, InodeId.Root, _name, _file.Inode);
    }

    private (ChainId Chain, ChunkId Chunk, uint Offset) Place(long offset)
    {
        var placement = _file.Content.Placement;
        var index = placement.ChunkIndexOf(offset);
        return (placement.ChainOf(index), new ChunkId(_file.Inode, index), placement.OffsetInChunk(offset));
    }
}
