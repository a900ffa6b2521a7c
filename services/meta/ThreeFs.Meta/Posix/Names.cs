using ThreeFs.Base;
using ThreeFs.Contracts.Meta;

namespace ThreeFs.Meta.Posix;

/// <summary>What a name may be, at the place where it enters.</summary>
internal static class Names
{
    /// <summary>A name that is looked up; "." and ".." are fine.</summary>
    public static Status CheckLookup(FileName name) => name.IsDot || name.IsDotDot ? Status.Ok : CheckBytes(name);

    /// <summary>A name that is to be made: "." and ".." are always there.</summary>
    public static Status CheckNew(FileName name) => name.IsDot || name.IsDotDot ? StatusCode.AlreadyExists : CheckBytes(name);

    /// <summary>A name that is to go.</summary>
    public static Status CheckExisting(FileName name) => name.IsDot || name.IsDotDot
        ? new Status(StatusCode.InvalidArgument, "\".\" and \"..\" cannot be removed or renamed")
        : CheckBytes(name);

    private static Status CheckBytes(FileName name)
    {
        if (name.IsTooLong) return StatusCode.NameTooLong;
        return name.IsEntryName ? Status.Ok : new Status(StatusCode.InvalidArgument, "a name is not empty and has neither \"/\" nor NUL");
    }
}
