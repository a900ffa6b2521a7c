using ThreeFs.Storage.Targets;

namespace ThreeFs.Storage.Threading;

/// <summary>Work of a replica that goes on by itself. It ends well or by a defect, and a defect must not vanish with it.</summary>
internal static class BackgroundWork
{
    public static void Guard(this Task work, ReplicaServices services) => _ = WatchAsync(work, services);

    private static async Task WatchAsync(Task work, ReplicaServices services)
    {
        try
        {
            await work;
        }
        catch (Exception e)
        {
            services.Broken(e);
        }
    }
}
