using System.Diagnostics;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Io.Tests.Transport;
using ThreeFs.Transport;
using ThreeFs.Transport.Rdma;

namespace ThreeFs.Rdma.Tests;

/// <summary>
/// Two devices with a wire between them that the test can spoil (job <c>wire</c>: the client's end is interface wireA,
/// the server's address is given).
/// </summary>
public sealed class RdmaWireTests : RdmaPair
{
    private static void Tc(string arguments)
    {
        using var process = Process.Start("tc", arguments);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }

    private static long Sent() => long.Parse(File.ReadAllText("/sys/class/net/wireA/statistics/tx_bytes"));

    [Fact]
    public async Task Bytes_cross_the_wire_and_lost_packets_are_repeated()
    {
        await using var connection = await ConnectAsync();
        using var sent = Pool.TryRent(1 << 20)!;
        using var received = Pool.TryRent(1 << 20)!;
        var random = new SeededRandom(3);
        var before = Sent();
        Tc("qdisc add dev wireA root netem loss 1%");
        try
        {
            for (var i = 0; i < 8; i++)
            {
                random.NextBytes(sent.Memory.Span);
                using var result = await connection.CallAsync(
                    new Call { Method = Methods.Echo, SendPayload = sent.Memory, ReceivePayload = received.Memory });
                var reason = Handler.Closed.TryPeek(out var closed) ? closed.Reason : Status.Ok;
                Assert.True(result.IsOk, $"call {i}: {result.Status}; the server says {reason}");
                Assert.True(sent.Memory.Span.SequenceEqual(received.Memory.Span));
                await Task.Yield();
            }
        }
        finally
        {
            Tc("qdisc del dev wireA root");
        }

        Assert.True(Sent() - before > 8 << 20, "the payload went over the wire");
    }

    [Fact]
    public async Task A_cut_wire_breaks_the_connection_and_the_next_one_works()
    {
        await using var connection = await ConnectAsync();
        using var memory = Pool.TryRent(1 << 16)!;
        Tc("qdisc add dev wireA root netem loss 100%");
        try
        {
            using var result = await connection.CallAsync(
                new Call { Method = Methods.Echo, SendPayload = memory.Memory, ReceivePayload = memory.Memory });
            Assert.Equal(StatusCode.ConnectionLost, result.Status.Code);
            Assert.True(connection.IsBroken);
            await Task.Yield();
        }
        finally
        {
            Tc("qdisc del dev wireA root");
        }

        await using var another = await ConnectAsync();
        using var again = await another.CallAsync(
            new Call { Method = Methods.Echo, SendPayload = memory.Memory, ReceivePayload = memory.Memory });
        Assert.Equal(Status.Ok, again.Status);
        await Task.Yield();
    }
}
