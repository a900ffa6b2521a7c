using System.Runtime.Versioning;

// Each test is a whole cluster under load: two at once would only measure each other.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
[assembly: SupportedOSPlatform("linux")]
