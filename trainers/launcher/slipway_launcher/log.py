"""The command's output: masked, capped, kept as ``log.txt``."""

from __future__ import annotations

import os
import threading
from io import FileIO
from pathlib import Path
from typing import BinaryIO

from .failures import escaped
from .masking import Mask

LOG_LIMIT = 64 << 20
TAIL_LIMIT = 64 << 10


class LogCopier(threading.Thread):
    """A thread with ``copy_log``; ``fault`` is why the log is not whole, such as a full disk, None when it is."""

    def __init__(self, source: BinaryIO, log: Path, mask: Mask) -> None:
        super().__init__(daemon=True)
        self._source, self._log, self._mask = source, log, mask
        self.fault: OSError | None = None

    def run(self) -> None:
        try:
            copy_log(self._source, self._log, self._mask)
        except OSError as fault:
            self.fault = fault
            # The command must not wait for a pipe that nobody empties: somebody else ends it, or nobody.
            while os.read(self._source.fileno(), 1 << 16):
                continue


def copy_log(source: BinaryIO, log: Path, mask: Mask, limit: int = LOG_LIMIT, tail_limit: int = TAIL_LIMIT) -> None:
    """Copies ``source`` to the new file ``log`` until its end: the first ``limit`` bytes and the last ``tail_limit``.

    Between them a line says how much was left out. Everything is read, so that the command never waits for a full pipe.
    OSError when it cannot be written.
    """
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb", buffering=0) as sink:
        room, dropped, tail = limit, 0, b""
        while True:
            chunk = os.read(source.fileno(), 1 << 16)
            shown = mask.feed(chunk) if chunk else mask.rest()
            _write(sink, shown[:room])
            over = shown[room:]
            room -= len(shown) - len(over)
            tail += over
            dropped += max(0, len(tail) - tail_limit)
            tail = tail[-tail_limit:]
            if not chunk:
                break
        if dropped > 0:
            _write(sink, f"\nlog cut: {dropped} bytes left out here\n".encode())
        _write(sink, tail)


def _write(sink: FileIO, content: bytes) -> None:
    """All of it: a write to a disk that fills up ends in its middle, and only the next one fails."""
    while content:
        content = content[sink.write(content) :]


def last_lines(log: Path, count: int = 20, size: int = 1200) -> str:
    """The last ``count`` lines of ``log``, at most ``size`` bytes of UTF-8, fit to be shown; of longer ones the beginning is left out."""
    with log.open("rb") as source:
        source.seek(max(0, os.fstat(source.fileno()).st_size - 8 * size))
        text = source.read().decode("utf-8", "replace")
    lines = [escaped(line[-size:]) for line in text.rstrip().splitlines()[-count:]]
    # What is no text takes three bytes for each that it was: by characters, a message would be cut at its end.
    return "\n".join(lines).encode()[-size:].decode("utf-8", "ignore") or "(it wrote nothing)"
