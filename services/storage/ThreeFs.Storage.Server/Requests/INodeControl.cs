using ThreeFs.Base;
using ThreeFs.Contracts.Storage;

namespace ThreeFs.Storage.Server.Requests;

/// <summary>What a request may ask of the node as a whole.</summary>
internal interface INodeControl
{
    /// <summary>Makes a target, or finds that it is there already. Any thread.</summary>
    ValueTask<Status> CreateTargetAsync(CreateTargetRequest request);

    /// <summary>Deletes a target that no chain has. Any thread.</summary>
    ValueTask<Status> DestroyTargetAsync(DestroyTargetRequest request);

    IReadOnlyList<DiskSpace> GetSpace();
}
