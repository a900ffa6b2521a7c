using System.Reflection;
using ThreeFs.Base;
using ThreeFs.Contracts.Meta;

namespace ThreeFs.Fuse.Tests.Support;

/// <summary>A metadata service whose answer to the next call of one method gets lost: the call is executed.</summary>
public class LossyMeta : DispatchProxy
{
    private IMetaService _inner = null!;

    /// <summary>Name of the method, or null when every answer arrives.</summary>
    public string? LosesAnswerOf { get; set; }

    /// <summary>Name of a method that is not executed and answers that no server is there; or null.</summary>
    public string? Refuses { get; set; }

    /// <summary>Name of a method that is not executed and answers only when its caller gives up; or null.</summary>
    public string? Hangs { get; set; }

    public static (IMetaService Meta, LossyMeta Control) Around(IMetaService inner)
    {
        var proxy = Create<IMetaService, LossyMeta>();
        var control = (LossyMeta)(object)proxy;
        control._inner = inner;
        return (proxy, control);
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
    {
        if (targetMethod!.Name == Refuses && targetMethod.ReturnType == typeof(ValueTask<Result<LockAnswer>>))
            return new ValueTask<Result<LockAnswer>>(StatusCode.Unavailable);
        if (targetMethod.Name == Hangs && targetMethod.ReturnType == typeof(ValueTask<Result<InodeAttr>>))
            return HangAsync((CancellationToken)args![^1]!);
        var answer = targetMethod.Invoke(_inner, args);
        if (targetMethod.Name != LosesAnswerOf || answer is not ValueTask<Result<InodeAttr>> running) return answer;
        LosesAnswerOf = null;
        return LoseAsync(running);
    }

    private static async ValueTask<Result<InodeAttr>> HangAsync(CancellationToken ct)
    {
        var given = new TaskCompletionSource();
        await using var registration = ct.Register(() => given.SetResult());
        await given.Task;
        return StatusCode.Cancelled;
    }

    private static async ValueTask<Result<InodeAttr>> LoseAsync(ValueTask<Result<InodeAttr>> running)
    {
        (await running).Status.ThrowIfFailed();
        return StatusCode.Cancelled;
    }
}
