using ThreeFs.Base;
using ThreeFs.Hosting.Config;

namespace ThreeFs.Hosting.Tests.Config;

public sealed class ConfigFileTests
{
    public enum Mode
    {
        OnWrite,
        OnFlush,
    }

    public sealed class Nested
    {
        public int Depth { get; set; } = 1;
        public string[] Names { get; set; } = [];
    }

    public sealed class Sample
    {
        public string ClusterId { get; set; } = "threefs";
        public uint NodeId { get; set; }
        public bool Enabled { get; set; }
        public TimeSpan Lease { get; set; } = TimeSpan.FromSeconds(2);
        public ByteSize ChunkSize { get; set; } = new(ByteSize.MiB);
        public Mode Durability { get; set; }
        public string[] DataPaths { get; set; } = [];
        public int? Port { get; set; }
        public double Ratio { get; set; } = 0.5;
        public Dictionary<string, string> Tags { get; set; } = [];
        public Nested Cache { get; set; } = new();
    }

    [Theory]
    [InlineData(0, "0")]
    [InlineData(1025, "1025")]
    [InlineData(1 << 20, "1MiB")]
    [InlineData(3L << 29, "1536MiB")]
    [InlineData(5L << 40, "5TiB")]
    public void A_size_is_written_so_that_it_is_read_back_exactly(long bytes, string text)
    {
        var written = ConfigFile.Format(new Sample { ChunkSize = new ByteSize(bytes) });
        Assert.Contains($"chunk_size = \"{text}\"\n", written);
        Assert.Equal(bytes, ConfigFile.Parse<Sample>(written, "written").Value.ChunkSize.Bytes);
    }

    [Fact]
    public void Reads_every_kind_of_value()
    {
        var config = ConfigFile.Parse<Sample>(
            """
            cluster_id = "c"
            node_id = 7
            enabled = true
            lease = "1500ms"
            chunk_size = "64KiB"
            durability = "on_flush"
            data_paths = ["/a", "/b c"]
            port = 0
            ratio = 0.25
            tags = { zone = "x" }
            [cache]
            depth = 9
            names = []
            """, "test").Value;

        Assert.Equal("c", config.ClusterId);
        Assert.Equal(7u, config.NodeId);
        Assert.True(config.Enabled);
        Assert.Equal(TimeSpan.FromMilliseconds(1500), config.Lease);
        Assert.Equal(64 << 10, config.ChunkSize.Bytes);
        Assert.Equal(Mode.OnFlush, config.Durability);
        Assert.Equal(["/a", "/b c"], config.DataPaths);
        Assert.Equal(0, config.Port);
        Assert.Equal(0.25, config.Ratio);
        Assert.Equal("x", config.Tags["zone"]);
        Assert.Equal(9, config.Cache.Depth);
    }

    [Fact]
    public void What_is_formatted_reads_back()
    {
        var config = new Sample
        {
            ClusterId = "quote \" and \\ and \n",
            Port = 17,
            Lease = TimeSpan.FromMilliseconds(250),
            ChunkSize = new ByteSize(1025),
            DataPaths = ["/x"],
            Tags = { ["a b"] = "c" },
            Cache = new Nested { Depth = 3, Names = ["n"] },
        };
        var text = ConfigFile.Format(config);
        var back = ConfigFile.Parse<Sample>(text, "test").Value;
        Assert.Equal(text, ConfigFile.Format(back));
        Assert.Equal(config.ClusterId, back.ClusterId);
        Assert.Equal(config.Cache.Names, back.Cache.Names);
        Assert.Equal(1025, back.ChunkSize.Bytes);
    }

    [Theory]
    [InlineData("nodeid = 1", "unknown key \"nodeid\"")]
    [InlineData("[cache]\nwidth = 1", "unknown key \"cache.width\"")]
    [InlineData("node_id = -1", "\"node_id\" = -1 is not a whole number from 0 to 4294967295")]
    [InlineData("node_id = \"x\"", "\"node_id\" = \"x\"")]
    [InlineData("lease = \"soon\"", "is not a time such as")]
    [InlineData("chunk_size = \"1.5MiB\"", "is not a size such as")]
    [InlineData("durability = \"never\"", "is not one of \"on_write\", \"on_flush\"")]
    [InlineData("data_paths = \"/a\"", "is not an array")]
    [InlineData("cache = 1", "is not a table")]
    [InlineData("node_id = ", "is not valid TOML: (1,")]
    public void A_wrong_text_is_refused_with_the_reason(string text, string reason)
    {
        var result = ConfigFile.Parse<Sample>(text, "/etc/x.toml");
        Assert.Equal(StatusCode.InvalidArgument, result.Code);
        Assert.Contains("/etc/x.toml", result.Status.Message);
        Assert.Contains(reason, result.Status.Message);
    }

    [Fact]
    public void A_missing_file_is_named()
    {
        var result = ConfigFile.Load<Sample>("/nowhere/threefs.toml");
        Assert.Equal(StatusCode.InvalidArgument, result.Code);
        Assert.Contains("/nowhere/threefs.toml", result.Status.Message);
    }
}
