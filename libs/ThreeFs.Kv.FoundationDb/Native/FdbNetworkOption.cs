namespace ThreeFs.Kv.FoundationDb.Native;

/// <summary>
/// Set before the network is set up, for the whole process. The numbers are those of fdb.options
/// of FoundationDB 7.3; hidden and deprecated ones are left out. The value of an option is nothing unless a comment
/// says which: text, bytes, or a number (64 bits, little-endian).
/// </summary>
internal enum FdbNetworkOption
{
    TraceEnable = 30, // text
    TraceRollSize = 31, // number
    TraceMaxLogsSize = 32, // number
    TraceLogGroup = 33, // text
    TraceFormat = 34, // text
    TraceClockSource = 35, // text
    TraceFileIdentifier = 36, // text
    TraceShareAmongClientThreads = 37,
    TraceInitializeOnSetup = 38,
    TracePartialFileSuffix = 39, // text
    Knob = 40, // text
    TlsCertBytes = 42, // bytes
    TlsCertPath = 43, // text
    TlsKeyBytes = 45, // bytes
    TlsKeyPath = 46, // text
    TlsVerifyPeers = 47, // bytes
    BuggifyEnable = 48,
    BuggifyDisable = 49,
    BuggifySectionActivatedProbability = 50, // number
    BuggifySectionFiredProbability = 51, // number
    TlsCaBytes = 52, // bytes
    TlsCaPath = 53, // text
    TlsPassword = 54, // text
    DisableMultiVersionClientApi = 60,
    CallbacksOnExternalThreads = 61,
    ExternalClientLibrary = 62, // text
    ExternalClientDirectory = 63, // text
    DisableLocalClient = 64,
    ClientThreadsPerVersion = 65, // number
    FutureVersionClientLibrary = 66, // text
    RetainClientLibraryCopies = 67,
    IgnoreExternalClientFailures = 68,
    FailIncompatibleClient = 69,
    DisableClientStatisticsLogging = 70,
    EnableRunLoopProfiling = 71,
    DisableClientBypass = 72,
    ClientBuggifyEnable = 80,
    ClientBuggifyDisable = 81,
    ClientBuggifySectionActivatedProbability = 82, // number
    ClientBuggifySectionFiredProbability = 83, // number
    ClientTmpDir = 91, // text
}
