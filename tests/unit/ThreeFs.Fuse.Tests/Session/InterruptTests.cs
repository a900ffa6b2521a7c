using ThreeFs.Base;
using ThreeFs.Fuse.Tests.Support;

namespace ThreeFs.Fuse.Tests.Session;

/// <summary>Operations that wait for storage, and callers that get signals meanwhile.</summary>
public sealed class InterruptTests
{
    private const int SigKill = 9, SigTerm = 15, SigWinch = 28;

    [Theory]
    [InlineData(SigKill, 137)]
    [InlineData(SigTerm, 143)]
    public async Task A_caller_that_is_being_killed_does_not_wait_for_storage(int signal, int exitCode)
    {
        await using var stalled = await StalledReader.StartAsync();
        Posix.Kill(stalled.Process.Id, signal);
        await stalled.Process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(exitCode, stalled.Process.ExitCode);
        await stalled.Cancelled.Task.WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task A_harmless_signal_interrupts_nothing_and_a_kill_after_it_does()
    {
        await using var stalled = await StalledReader.StartAsync();
        Posix.Kill(stalled.Process.Id, SigWinch);
        await Task.Delay(TimeSpan.FromMilliseconds(500));
        Assert.False(stalled.Cancelled.Task.IsCompleted);
        Posix.Kill(stalled.Process.Id, SigKill);
        await stalled.Process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task An_operation_that_waited_goes_on_when_storage_answers()
    {
        await using var stalled = await StalledReader.StartAsync();
        Posix.Kill(stalled.Process.Id, SigWinch);
        stalled.Answer.SetResult();
        Assert.Equal("content", await stalled.Process.StandardOutput.ReadToEndAsync());
        await stalled.Process.WaitForExitAsync();
        Assert.Equal(0, stalled.Process.ExitCode);
    }

    /// <summary>A process whose read waits for storage.</summary>
    private sealed class StalledReader : IAsyncDisposable
    {
        private readonly ClusterMount _mount;

        private StalledReader(ClusterMount mount) => _mount = mount;

        public TaskCompletionSource Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
        public TaskCompletionSource Cancelled { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
        public System.Diagnostics.Process Process { get; private set; } = null!;

        public static async Task<StalledReader> StartAsync()
        {
            var cluster = await ClusterFixture.CreateAsync();
            var stalled = new StalledReader(cluster.Mount());
            await File.WriteAllTextAsync(stalled._mount.At("a"), "content");
            var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            cluster.Contents.Before = async (_, ct) =>
            {
                await using var registration = ct.Register(() => stalled.Cancelled.TrySetResult());
                reached.TrySetResult();
                await Task.WhenAny(stalled.Answer.Task, stalled.Cancelled.Task);
                return ct.IsCancellationRequested ? StatusCode.Cancelled : StatusCode.Ok;
            };
            stalled.Process = Command.Start($"exec dd if={stalled._mount.At("a")} iflag=direct status=none bs=4096");
            await reached.Task.WaitAsync(TimeSpan.FromSeconds(30));
            return stalled;
        }

        public async ValueTask DisposeAsync()
        {
            Answer.TrySetResult();
            Process.Dispose();
            await _mount.DisposeAsync();
        }
    }
}
