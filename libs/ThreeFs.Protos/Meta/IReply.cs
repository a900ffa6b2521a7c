namespace ThreeFs.Protos.Meta;

/// <summary>What all answers of the metadata service have: a status, absent where the frame around it carries one.</summary>
public interface IReply
{
    StatusMessage Status { get; set; }
}

public sealed partial class StatusReply : IReply;
public sealed partial class AttrReply : IReply;
public sealed partial class BatchAttrReply : IReply;
public sealed partial class OpenReply : IReply;
public sealed partial class RenameReply : IReply;
public sealed partial class PageReply : IReply;
public sealed partial class SpaceReply : IReply;
public sealed partial class BytesReply : IReply;
public sealed partial class NamesReply : IReply;
public sealed partial class LockReply : IReply;
public sealed partial class TestLockReply : IReply;
