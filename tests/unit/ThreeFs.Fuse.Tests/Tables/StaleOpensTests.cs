using ThreeFs.Fuse.Tables;

namespace ThreeFs.Fuse.Tests.Tables;

public sealed class StaleOpensTests
{
    private readonly StaleOpens _opens = new(TimeProvider.System);

    [Fact]
    public void Only_the_thread_that_was_refused_has_a_second_try_and_only_one()
    {
        Assert.False(_opens.IsRetry(1, 10));
        _opens.Refused(1, 10);
        Assert.False(_opens.IsRetry(2, 10));
        Assert.True(_opens.IsRetry(1, 10));
        Assert.False(_opens.IsRetry(1, 10));
    }

    [Fact]
    public void The_second_try_opens_what_the_thread_looked_up_last()
    {
        _opens.Refused(1, 10);
        _opens.LookedUp(2, 30);
        _opens.LookedUp(1, 20);
        Assert.True(_opens.IsRetry(1, 20));
        _opens.Refused(1, 10);
        _opens.LookedUp(1, 20);
        Assert.False(_opens.IsRetry(1, 10));
    }

    [Fact]
    public void Callers_without_a_number_do_not_take_each_others_second_try()
    {
        Assert.False(_opens.IsRetry(0, 10));
        _opens.Refused(0, 10);
        _opens.Refused(0, 11);
        _opens.LookedUp(0, 20);
        _opens.LookedUp(0, 21);
        foreach (ulong node in new ulong[] { 10, 11, 20, 21, 20, 21 }) Assert.True(_opens.IsRetry(0, node));
        Assert.False(_opens.IsRetry(0, 30));
        Assert.False(_opens.IsRetry(5, 20));
    }

    [Fact]
    public void Threads_that_never_come_back_are_forgotten()
    {
        for (uint thread = 1; thread <= 100_000; thread++) _opens.Refused(thread, 1);
        Assert.True(_opens.IsRetry(100_000, 1));
        Assert.False(_opens.IsRetry(1, 1));
    }
}
