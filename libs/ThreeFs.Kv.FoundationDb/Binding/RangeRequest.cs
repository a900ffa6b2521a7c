using ThreeFs.Kv.FoundationDb.Native;

namespace ThreeFs.Kv.FoundationDb.Binding;

/// <summary>How a range is read; the bounds are separate because they are spans.</summary>
internal readonly record struct RangeRequest
{
    public RangeRequest()
    {
    }

    /// <summary>Rows at most; 0: no limit.</summary>
    public int Limit { get; init; }

    /// <summary>The answer ends with the row that reaches so many bytes; 0: no limit.</summary>
    public int TargetBytes { get; init; }

    public FdbStreamingMode Mode { get; init; } = FdbStreamingMode.WantAll;

    /// <summary>The number of the page from 1, for <see cref="FdbStreamingMode.Iterator"/>.</summary>
    public int Iteration { get; init; } = 1;

    public bool Snapshot { get; init; }
    public bool Reverse { get; init; }
}
