using ThreeFs.Kv.FoundationDb.Binding;
using ThreeFs.Kv.FoundationDb.Native;

namespace ThreeFs.Kv.FoundationDb.StackTester;

/// <summary>A code of the library on its way to the instruction that answers it.</summary>
internal sealed class FdbException(FdbError error) : Exception($"{(int)error}")
{
    public FdbError Error { get; } = error;
}

/// <summary>Codes as exceptions.</summary>
internal static class FdbAnswers
{
    public static async Task<T> ValueAsync<T>(this ValueTask<FdbResult<T>> answer)
    {
        var (error, value) = await answer;
        Check(error);
        return value;
    }

    public static async Task CheckAsync(this ValueTask<FdbError> answer) => Check(await answer);

    public static void Check(FdbError error)
    {
        if (error is not FdbError.Success) throw new FdbException(error);
    }
}
