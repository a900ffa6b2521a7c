using System.Collections.Concurrent;
using System.Security.Cryptography;
using ThreeFs.Cluster.Tests.Harness;

namespace ThreeFs.Cluster.Tests;

/// <summary>kill -9 of every process at once: what was fsynced is there afterwards, nothing is corrupt.</summary>
public sealed class KillEverythingTests
{
    [Fact]
    public async Task Every_fsynced_byte_is_there_after_up()
    {
        await using var cluster = await Harness.Cluster.StartAsync();
        var synced = new ConcurrentDictionary<string, byte[]>();
        for (var round = 0; round < 3; round++)
        {
            var status = await cluster.StatusAsync();
            var before = synced.Count;
            var ended = WriteUntilItFailsAsync($"{cluster.Mount}/round-{round}", synced);
            while (synced.Count < before + 10 && !ended.IsCompleted) await Task.Delay(10);
            Assert.False(ended.IsCompleted, "writing works until the kill");
            var mount = new NodeStatus("mount", "mount", 0, status.Mount.Pid, "", "", null);
            await Harness.Cluster.KillAsync([.. status.Nodes, mount]);
            await ended;

            await cluster.UpAsync();
            await cluster.WaitUntilAllServeAsync();
            foreach (var (path, hash) in synced)
            {
                Assert.True(File.Exists(path), $"{path} was fsynced and is gone");
                Assert.Equal(hash, SHA256.HashData(await File.ReadAllBytesAsync(path)));
            }

            await cluster.FsckAsync();
        }
    }

    /// <summary>Files of growing size, each written in pieces, fsynced, and then remembered.</summary>
    private static Task WriteUntilItFailsAsync(string directory, ConcurrentDictionary<string, byte[]> synced) => Task.Run(() =>
    {
        var random = new Random(7);
        try
        {
            Directory.CreateDirectory(directory);
            for (var i = 0; ; i++)
            {
                var path = Path.Combine(directory, $"f{i}");
                var content = new byte[random.Next(1, 1_500_000)];
                random.NextBytes(content);
                using (var file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0))
                {
                    for (var at = 0; at < content.Length; at += 100_000)
                        file.Write(content, at, Math.Min(100_000, content.Length - at));
                    file.Flush(flushToDisk: true);
                }

                synced[path] = SHA256.HashData(content);
            }
        }
        catch (IOException)
        {
            // The mount is gone: what comes now was not acknowledged.
        }
    });
}
