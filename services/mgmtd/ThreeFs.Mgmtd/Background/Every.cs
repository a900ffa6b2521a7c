using ThreeFs.Base.Tasks;
namespace ThreeFs.Mgmtd.Background;

/// <summary>
/// Runs something again and again until cancelled, one run at a time, with a pause between runs. An exception ends it.
/// </summary>
internal static class Every
{
    public static async Task RunAsync(TimeSpan pause, TimeProvider time, Func<ValueTask> run, CancellationToken ct)
    {
        while (!ct.IsCancellationRequested)
        {
            await run();
            await time.PauseAsync(pause, ct);
        }
    }
}
