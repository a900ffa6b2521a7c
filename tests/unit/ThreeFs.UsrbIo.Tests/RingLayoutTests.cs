using System.Runtime.CompilerServices;

namespace ThreeFs.UsrbIo.Tests;

/// <summary>Programs that carry another library share this memory: every number is fixed.</summary>
public sealed class RingLayoutTests
{
    [Theory]
    [InlineData(1, 4336)]
    [InlineData(100, 13840)]
    [InlineData(1024, 102544)]
    public void Size_of_a_ring(int entries, long size)
    {
        Assert.Equal(size, RingLayout.SizeOf(entries));
        Assert.Equal(entries, RingLayout.EntriesIn(size));
        Assert.Equal(entries - 1, RingLayout.EntriesIn(size - 1));
    }

    [Fact]
    public void Parts_lie_where_they_always_lay()
    {
        Assert.Equal((56, 24, 16), (Unsafe.SizeOf<RingOperation>(), Unsafe.SizeOf<RingCompletion>(), Unsafe.SizeOf<RingSubmission>()));
        Assert.True(RingLayout.TryOf(RingLayout.SizeOf(3), out var layout));
        Assert.Equal((4, 16 + 56 * 4, 16 + 80 * 4, 16 + 96 * 4), (layout.Slots, layout.CompletionsOffset, layout.SubmissionsOffset, layout.SemaphoreOffset));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(4096)]
    [InlineData(4335)]
    public void Memory_that_is_too_small_is_no_ring(long size) => Assert.False(RingLayout.TryOf(size, out _));

    [Fact]
    public void Enormous_memory_has_the_most_entries_there_can_be()
    {
        Assert.True(RingLayout.TryOf(long.MaxValue, out var layout));
        Assert.Equal(RingLayout.MaxEntries, layout.Entries);
        Assert.InRange(RingLayout.SizeOf(layout.Entries), 1, int.MaxValue);
    }
}
