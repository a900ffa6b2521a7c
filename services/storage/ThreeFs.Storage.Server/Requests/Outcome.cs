using ThreeFs.Base;
using ThreeFs.Transport;

namespace ThreeFs.Storage.Server.Requests;

/// <summary>A reply and the code it is counted under, which may lie inside the reply's header.</summary>
internal readonly record struct Outcome(Reply Reply, StatusCode Code)
{
    public static Outcome Failed(Status status) => new(status, status.Code);
}
