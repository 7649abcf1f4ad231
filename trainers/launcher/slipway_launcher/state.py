"""``state.json``: what a watcher reads to know how far a job is."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from .failures import JobFailure


class JobState:
    """Keeps ``state.json`` in ``directory``; every change replaces the whole file at once."""

    def __init__(self, directory: Path) -> None:
        self._file = directory / "state.json"
        self._fields: dict[str, Any] = {"format": 1, "phase": "fetching", "startedAt": _now()}

    def enter(self, phase: str) -> None:
        self._fields["phase"] = phase
        self._write()

    def progress(self, numbers: dict[str, float]) -> None:
        self._fields["progress"] = numbers
        self._write()

    def succeed(self, manifest: dict[str, Any]) -> None:
        self._fields.update(phase="succeeded", endedAt=_now(), exitCode=0, manifest=manifest)
        self._write()

    def fail(self, failure: JobFailure) -> None:
        told: dict[str, Any] = {"code": failure.code, "message": failure.message}
        if failure.transient is not None:
            told["transient"] = failure.transient
        self._fields.update(phase="failed", endedAt=_now(), failure=told)
        if failure.exit_code is not None:
            self._fields["exitCode"] = failure.exit_code
        self._write()

    def _write(self) -> None:
        write_atomic(self._file, json.dumps(self._fields, indent=1, allow_nan=False))


def write_atomic(file: Path, text: str) -> None:
    """Replaces ``file`` by ``text`` so that a reader sees the old or the new content, mode 0600."""
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "w") as sink:
            sink.write(text)
            sink.flush()
            os.fsync(sink.fileno())
        os.replace(temporary, file)
    except BaseException:
        # Where the disk is full, a part of it would keep what little room there is.
        temporary.unlink(missing_ok=True)
        raise


def succeeded_before(directory: Path) -> bool:
    """True when a job with this directory has already ended well."""
    try:
        return json.loads((directory / "state.json").read_text("utf-8")).get("phase") == "succeeded"
    except (OSError, ValueError, AttributeError):
        return False


def _now() -> str:
    now = time.time_ns() // 1_000_000
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(now // 1000))}.{now % 1000:03d}Z"
