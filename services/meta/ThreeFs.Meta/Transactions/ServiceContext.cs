using ThreeFs.Base;
using ThreeFs.Contracts.Meta;

namespace ThreeFs.Meta.Transactions;

/// <summary>Who asks when the service works on its own behalf.</summary>
internal static class ServiceContext
{
    public static readonly MetaContext Instance = new(UserInfo.Root, default, default);
}
