namespace ThreeFs.Base.Tests;

public sealed class StatusTests
{
    [Fact]
    public void The_default_is_ok_and_a_failure_says_what()
    {
        Assert.True(default(Status).IsOk);
        Assert.Equal("Ok", Status.Ok.ToString());
        var failed = new Status(StatusCode.NoSpace, "disk 3 is full");
        Assert.False(failed.IsOk);
        Assert.Equal("NoSpace: disk 3 is full", failed.ToString());
        Assert.Equal(failed, Assert.Throws<StatusException>(failed.ThrowIfFailed).Status);
        Status.Ok.ThrowIfFailed();
    }

    [Fact]
    public void A_result_is_a_value_or_a_failure_never_both()
    {
        Result<int> good = 5;
        Assert.True(good.TryGet(out var value));
        Assert.Equal(5, value);
        Result<int> bad = StatusCode.NotFound;
        Assert.False(bad.TryGet(out _));
        Assert.Equal(StatusCode.NotFound, bad.Code);
        Assert.Equal(StatusCode.NotFound, Assert.Throws<StatusException>(() => bad.Value).Status.Code);
        Assert.Throws<InvariantException>(() => { Result<int> _ = Status.Ok; });
    }

    [Fact]
    public void Codes_have_unique_numbers_in_the_range_of_their_part()
    {
        var codes = Enum.GetValues<StatusCode>();
        Assert.Equal(codes.Length, codes.Select(code => (ushort)code).Distinct().Count());
        Assert.All(codes, code => Assert.InRange((ushort)code, 0, 5999));
    }

    [Fact]
    public void What_may_have_been_executed_is_never_called_certain()
    {
        foreach (var code in new[] { StatusCode.ConnectionLost, StatusCode.DeadlineExceeded, StatusCode.TxMaybeCommitted, StatusCode.Cancelled })
            Assert.False(code.IsCertainlyNotExecuted(), code.ToString());
        Assert.All(Enum.GetValues<StatusCode>().Where(code => code.IsServerFailure()), code =>
        {
            Assert.True(code.IsRetryableStorage());
            Assert.True(code.IsRetryableMeta());
        });
        Assert.False(StatusCode.Ok.IsServerFailure());
    }
}
