"""The one error that a job can end with."""

from __future__ import annotations

MESSAGE_LIMIT = 2048


class JobFailure(Exception):
    """A job failed for a reason that has a stable code.

    ``message`` says what, where and what to do; it is kept to 2 KB without control characters.
    ``transient``: may the same work succeed when tried again? ``None`` leaves it to what code and exit code say.
    """

    def __init__(self, code: str, message: str, exit_code: int | None = None, transient: bool | None = None) -> None:
        self.code = code
        self.message = printable(message)
        self.exit_code = exit_code
        self.transient = transient
        super().__init__(f"{code}: {self.message}")


class Cancelled(BaseException):
    """Somebody stopped the job. It may be raised anywhere, so nothing that goes on after a ``JobFailure`` may take it for one."""

    def __init__(self, failure: JobFailure) -> None:
        self.failure = failure
        super().__init__(str(failure))


def printable(text: str) -> str:
    """Escapes control characters (line ends stay) and cuts to 2 KB of UTF-8."""
    raw = escaped(text).encode("utf-8", "replace")
    if len(raw) <= MESSAGE_LIMIT:
        return raw.decode()
    return raw[: MESSAGE_LIMIT - 3].decode("utf-8", "ignore") + "…"


def escaped(text: str) -> str:
    """Escapes control characters; line ends stay."""
    return "".join(c if c == "\n" or c.isprintable() else f"\\x{ord(c):02x}" for c in text)


def quoted(value: object) -> str:
    """Foreign text for a message: escaped, at most 120 characters."""
    text = ascii(value)
    return text if len(text) <= 120 else text[:117] + "…" + text[-1]
