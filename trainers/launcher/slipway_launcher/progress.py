"""Reads ``progress.json``: what a command tells about itself while it runs, such as epoch and loss."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

from .failures import JobFailure
from .paths import open_regular

SIZE_LIMIT = 64 << 10
COUNT_LIMIT = 50
NAME_LIMIT = 64


class Progress:
    """The latest numbers of ``file``; one that cannot be read, or is half written, changes nothing."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._seen: tuple[int, int] | None = None
        self.latest: dict[str, float] | None = None
        # Seconds since the epoch.
        self.written_at = 0.0

    def changed(self) -> bool:
        """True when the file was written since the last call, whatever is in it."""
        try:
            facts = os.lstat(self._file)
        except OSError:
            return False
        seen = (facts.st_size, facts.st_mtime_ns)
        if seen == self._seen:
            return False
        self._seen = seen
        self.written_at = facts.st_mtime_ns / 1e9
        self.latest = self._read() or self.latest
        return True

    def _read(self) -> dict[str, float] | None:
        try:
            with os.fdopen(open_regular(self._file), "rb") as source:
                document = json.loads(source.read(SIZE_LIMIT))
        except (JobFailure, OSError, ValueError, RecursionError):
            return None
        if not isinstance(document, dict):
            return None
        numbers = {name: value for name, value in document.items() if len(name) <= NAME_LIMIT and name.isprintable() and _finite(value)}
        return dict(list(numbers.items())[:COUNT_LIMIT])


def _finite(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    try:
        return math.isfinite(float(value))
    except OverflowError:
        return False
