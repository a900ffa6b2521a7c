using ThreeFs.Mgmtd.State;

namespace ThreeFs.Mgmtd.Background;

/// <summary>Publishes changed space figures, which change with every write, only every now and then.</summary>
internal sealed class SpacePublisher(MgmtdCore core)
{
    public Task RunAsync(CancellationToken ct) =>
        Every.RunAsync(core.Timing.SpaceInterval, core.Time, PublishAsync, ct);

    private ValueTask PublishAsync()
    {
        core.Read(term => term.UnpublishedNews |= term.UnpublishedSpace);
        core.PublishNews();
        return ValueTask.CompletedTask;
    }
}
