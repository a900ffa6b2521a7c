using ThreeFs.Base;
using ThreeFs.Storage.ChunkEngine.Allocation;
using ThreeFs.Storage.ChunkEngine.Device;

namespace ThreeFs.Storage.Tests.ChunkEngine.Allocation;

public sealed class BlockAllocatorTests
{
    [Fact]
    public void Blocks_are_taken_lowest_first_across_groups()
    {
        var blocks = new BlockAllocator(BlockClass.Smallest);
        for (var i = 0; i < 600; i++) Assert.Equal(i, blocks.Take().Index);
        Assert.Equal(3, blocks.GroupCount);
        blocks.GiveBack(new BlockPosition(BlockClass.Smallest, 300));
        blocks.GiveBack(new BlockPosition(BlockClass.Smallest, 7));
        Assert.Equal(7, blocks.Take().Index);
        Assert.Equal(300, blocks.Take().Index);
        Assert.Equal(600, blocks.Take().Index);
    }

    /// <summary>All states of three blocks in each order of steps up to six: taken is what was handed out and not given back.</summary>
    [Fact]
    public void Every_short_history_of_three_blocks_keeps_the_books()
    {
        var histories = 0;
        Explore([], []);
        Assert.True(histories > 200, $"{histories} histories");

        void Explore(List<int> steps, List<(long Index, bool Stored)> held)
        {
            histories++;
            CheckHistory(steps);
            if (steps.Count == 6) return;
            for (var step = 0; step < 7; step++)
            {
                if (step == 0 && held.Count == 3) continue;
                var index = (step - 1) / 2;
                if (step > 0 && index >= held.Count) continue;
                var next = new List<(long Index, bool Stored)>(held);
                if (step == 0)
                {
                    var free = Enumerable.Range(0, 4).First(i => held.All(h => h.Index != i));
                    next.Add((free, false));
                }
                else if (step % 2 == 1)
                {
                    next[index] = (next[index].Index, !next[index].Stored);
                }
                else
                {
                    if (next[index].Stored) continue;
                    next.RemoveAt(index);
                }

                Explore([.. steps, step], next);
            }
        }
    }

    private static void CheckHistory(List<int> steps)
    {
        var blocks = new BlockAllocator(BlockClass.Largest);
        var held = new List<(BlockPosition Position, bool Stored)>();
        foreach (var step in steps)
        {
            var index = (step - 1) / 2;
            if (step == 0)
            {
                var position = blocks.Take();
                Assert.DoesNotContain(held, h => h.Position == position);
                held.Add((position, false));
            }
            else if (step % 2 == 1)
            {
                var stored = held[index].Stored
                    ? blocks.Unstore(held[index].Position)
                    : blocks.Store(held[index].Position);
                held[index] = (held[index].Position, !held[index].Stored);
                Assert.Equal(held.Count(h => h.Stored), stored.Count);
            }
            else
            {
                blocks.GiveBack(held[index].Position);
                held.RemoveAt(index);
            }
        }

        Assert.Equal(held.Count, blocks.TakenBlocks);
        foreach (var (position, stored) in held)
        {
            Assert.True(blocks.IsTaken(position));
            Assert.Equal(stored, blocks.StoredOf(0).Has((int)position.Index));
        }
    }

    [Fact]
    public void A_block_with_an_owner_is_not_given_back_and_no_block_twice()
    {
        var blocks = new BlockAllocator(BlockClass.Smallest);
        var position = blocks.Take();
        blocks.Store(position);
        Assert.Throws<InvariantException>(() => blocks.GiveBack(position));
        Assert.Throws<InvariantException>(() => blocks.Store(position));
        blocks.Unstore(position);
        Assert.Throws<InvariantException>(() => blocks.Unstore(position));
        blocks.GiveBack(position);
        Assert.Throws<InvariantException>(() => blocks.GiveBack(position));
    }

    [Fact]
    public void A_group_being_released_hands_out_nothing()
    {
        var blocks = new BlockAllocator(BlockClass.Smallest);
        for (var i = 0; i < 512; i++) blocks.MarkReserved(blocks.Take());
        Assert.False(blocks.TryBeginRelease(out _));
        for (var i = 256; i < 512; i++) blocks.GiveBack(new BlockPosition(BlockClass.Smallest, i));
        Assert.True(blocks.TryBeginRelease(out var group));
        Assert.Equal(1, group);
        Assert.Equal(512, blocks.Take().Index);
        blocks.EndRelease(group, released: true);
        Assert.Equal(256, blocks.ReservedBlocks);
        Assert.Equal(256, blocks.Take().Index);
        Assert.False(blocks.IsReserved(new BlockPosition(BlockClass.Smallest, 256)));
    }

    [Theory]
    [InlineData(0, 16)]
    [InlineData(1, 16)]
    [InlineData(1 << 16, 16)]
    [InlineData((1 << 16) + 1, 17)]
    [InlineData(1 << 20, 20)]
    [InlineData((1 << 25) + 1, 26)]
    [InlineData(1 << 26, 26)]
    public void A_class_is_the_smallest_that_holds_the_length(int length, int shift)
    {
        var size = BlockClass.ForLength((uint)length);
        Assert.Equal(shift, size.Shift);
        var position = new BlockPosition(size, 1234567);
        Assert.True(position.IsValid);
        Assert.Equal((size, 1234567L, 1234567L << shift), (position.Class, position.Index, position.Offset));
    }
}
