namespace ThreeFs.Mgmtd.Tests.Support;

/// <summary>
/// Runs a test without xunit's synchronization context. Then a loop under test goes on inside the call that answers it or advances
/// its clock, and the test sees the effects when that call returns.
/// </summary>
internal static class NoContext
{
    public static async Task RunAsync(Func<Task> test)
    {
        var context = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        Task running;
        try
        {
            running = test();
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(context);
        }

        await running;
    }
}
