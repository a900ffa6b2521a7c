namespace ThreeFs.Contracts.Meta;

/// <summary>
/// Method numbers of the metadata service on the data plane. A request is the protobuf message of the same gRPC method as
/// frame header; a message that does not fit a header is the payload, with an empty header. Answers likewise; a failure is the
/// frame's status. Numbers are on the wire and never reused.
/// </summary>
public enum MetaMethod : ushort
{
    Resolve = 0x0201,
    Lookup = 0x0202,
    GetAttr = 0x0203,
    BatchGetAttr = 0x0204,
    SetAttr = 0x0205,
    Access = 0x0206,
    Create = 0x0207,
    MakeNode = 0x0208,
    Link = 0x0209,
    Unlink = 0x020A,
    RemoveDirectory = 0x020B,
    RemoveTree = 0x020C,
    Rename = 0x020D,
    ReadDirectory = 0x020E,
    Open = 0x020F,
    KeepOpen = 0x0210,
    Close = 0x0211,
    Sync = 0x0212,
    PruneSessions = 0x0213,
    Flush = 0x0214,
    StatFs = 0x0215,
    GetXattr = 0x0216,
    SetXattr = 0x0217,
    ListXattr = 0x0218,
    RemoveXattr = 0x0219,
    Append = 0x021A,
    SetLock = 0x021B,
    TestLock = 0x021C,
}
