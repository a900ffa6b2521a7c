using System.Diagnostics.CodeAnalysis;

namespace ThreeFs.Base;

/// <summary>Outcome of an operation without a value: a code and, for failures, what happened to what. A wrong input is a Status, never an exception.</summary>
public readonly record struct Status(StatusCode Code, string? Message = null)
{
    public static Status Ok => default;
    public bool IsOk => Code == StatusCode.Ok;

    public override string ToString() => IsOk ? "Ok" : Message is null ? Code.ToString() : $"{Code}: {Message}";

    public static implicit operator Status(StatusCode code) => new(code);

    /// <summary>Raises the status as an exception, for callers at a process edge where no Status can be returned.</summary>
    public void ThrowIfFailed()
    {
        if (!IsOk) throw new StatusException(this);
    }
}

/// <summary>A value or the reason there is none.</summary>
public readonly struct Result<T>
{
    private readonly T _value;

    private Result(T value, Status status)
    {
        _value = value;
        Status = status;
    }

    public Status Status { get; }
    public bool IsOk => Status.IsOk;
    public StatusCode Code => Status.Code;

    /// <summary>The value; asking for it on a failed result is a defect of the caller.</summary>
    public T Value
    {
        get
        {
            if (!Status.IsOk) throw new StatusException(Status);
            return _value;
        }
    }

    public bool TryGet([MaybeNullWhen(false)] out T value)
    {
        value = _value;
        return Status.IsOk;
    }

    public override string ToString() => IsOk ? $"{_value}" : Status.ToString();

    /// <summary>A successful result; needed where <typeparamref name="T"/> is an interface, which no conversion operator takes.</summary>
    public static Result<T> Of(T value) => new(value, Status.Ok);

    public static implicit operator Result<T>(T value) => Of(value);

    public static implicit operator Result<T>(Status status)
    {
        Invariant.Check(!status.IsOk, "a failed result carries a failure");
        return new(default!, status);
    }

    public static implicit operator Result<T>(StatusCode code) => new Status(code);
}

/// <summary>Carries a <see cref="Base.Status"/> through code that can only throw (start-up, tests, the command line).</summary>
public sealed class StatusException(Status status) : Exception(status.ToString())
{
    public Status Status { get; } = status;
}
