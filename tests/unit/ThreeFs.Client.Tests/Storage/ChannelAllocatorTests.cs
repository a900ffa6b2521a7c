using ThreeFs.Base;
using ThreeFs.Client.Storage;
using ThreeFs.Contracts.Storage;

namespace ThreeFs.Client.Tests.Storage;

public sealed class ChannelAllocatorTests
{
    private static readonly ClientId _client = new(new Guid(1, 2, 3, new byte[8]));

    [Fact]
    public async Task Channels_are_held_once_and_their_sequences_only_rise()
    {
        const ulong seed = 20251;
        var random = new SeededRandom(seed);
        var channels = new ChannelAllocator(_client, 8, 1000);
        var newest = new ulong[9];
        var held = new List<UpdateTag>();
        var waiting = new Queue<Task<UpdateTag>>();
        for (var step = 0; step < 20000; step++)
        {
            if (random.NextBool(0.5))
            {
                waiting.Enqueue(channels.RentAsync().AsTask());
            }
            else if (held.Count > 0)
            {
                var index = random.Next(held.Count);
                var tag = held[index];
                held.RemoveAt(index);
                if (random.NextBool(0.2))
                {
                    var first = channels.Advance(tag, 5);
                    Assert.True(first.Sequence > newest[tag.Channel.Value], $"seed {seed}");
                    newest[tag.Channel.Value] = first.Sequence + 4;
                }

                channels.Return(tag);
            }

            while (waiting.TryPeek(out var next) && next.IsCompleted)
            {
                var tag = await waiting.Dequeue();
                if (tag.Sequence == 0) continue;
                Assert.DoesNotContain(held, h => h.Channel == tag.Channel);
                Assert.True(tag.Sequence > newest[tag.Channel.Value], $"seed {seed}");
                newest[tag.Channel.Value] = tag.Sequence;
                held.Add(tag);
            }

            Assert.True(held.Count <= 8 && held.Count + channels.Free == 8, $"seed {seed}");
            if (channels.Free > 0) Assert.Empty(waiting);
        }
    }

    [Fact]
    public async Task Queue_is_bounded()
    {
        var channels = new ChannelAllocator(_client, 1, 1);
        var holder = await channels.RentAsync();
        var waiter = channels.RentAsync().AsTask();
        Assert.Equal(0ul, (await channels.RentAsync()).Sequence);
        channels.Return(holder);
        Assert.Equal(new UpdateTag(_client, new ChannelId(1), 2), await waiter);
    }

    [Fact]
    public async Task Who_gives_up_gets_no_channel_and_holds_up_nobody()
    {
        SynchronizationContext.SetSynchronizationContext(null);
        var channels = new ChannelAllocator(_client, 1, 2);
        var holder = await channels.RentAsync();
        using var killed = new CancellationTokenSource();
        using var patient = new CancellationTokenSource();
        for (var round = 0; round < 3; round++)
        {
            using var gone = new CancellationTokenSource();
            var given = channels.RentAsync(gone.Token).AsTask();
            await gone.CancelAsync();
            Assert.Equal(0ul, (await given).Sequence);
        }

        var first = channels.RentAsync(killed.Token).AsTask();
        var second = channels.RentAsync(patient.Token).AsTask();
        Assert.Equal(0ul, (await channels.RentAsync()).Sequence);
        await killed.CancelAsync();
        Assert.Equal(0ul, (await first).Sequence);
        Assert.False(second.IsCompleted);
        channels.Return(holder);
        var tag = await second;
        Assert.NotEqual(0ul, tag.Sequence);
        await patient.CancelAsync();
        Assert.Equal(0, channels.Free);
        channels.Return(tag);
        Assert.Equal(1, channels.Free);
    }
}
