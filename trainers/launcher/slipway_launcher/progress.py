"""Reads ``progress.json``: what a command tells about itself while it runs, such as epoch and loss."""

from __future__ import annotations

import json
import math
import os
import sys
from pathlib import Path

from .failures import JobFailure
from .own_user import JobUser
from .paths import open_regular

SIZE_LIMIT = 64 << 10
COUNT_LIMIT = 50
NAME_LIMIT = 64
# The numbers whose meaning is fixed; all others are free.
BOUNDS = {"progress": (0.0, 1.0), "step": (0.0, math.inf), "epoch": (0.0, math.inf)}


class Progress:
    """The latest numbers of ``file``; one that cannot be read, or is half written, changes nothing."""

    def __init__(self, file: Path, owner: JobUser | None) -> None:
        self._file = file
        self._owner = owner
        self._seen: tuple[int, int] | None = None
        self._doubted: set[str] = set()
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
            with os.fdopen(open_regular(self._file, self._owner), "rb") as source:
                document = json.loads(source.read(SIZE_LIMIT))
        except (JobFailure, OSError, ValueError, RecursionError):
            return None
        if not isinstance(document, dict):
            return None
        named = {name: value for name, value in document.items() if 0 < len(name) <= NAME_LIMIT and name.isprintable() and _finite(value)}
        numbers = {name: value for name, value in named.items() if self._believed(name, value)}
        return dict(list(numbers.items())[:COUNT_LIMIT])

    def _believed(self, name: str, value: float) -> bool:
        least, most = BOUNDS.get(name, (-math.inf, math.inf))
        if least <= value <= most:
            return True
        if name not in self._doubted:
            self._doubted.add(name)
            print(f"{name} in progress.json is passed over: {value} is not from {least:g} to {most:g}", file=sys.stderr, flush=True)
        return False


def _finite(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    try:
        return math.isfinite(float(value))
    except OverflowError:
        return False
