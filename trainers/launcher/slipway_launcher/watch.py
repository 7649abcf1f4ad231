"""Watches a running command: its time, its progress, its processes and the disk."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from .descendants import usage
from .failures import JobFailure
from .limits import check_disk
from .progress import Progress
from .spec import JobSpec

TICK_SECONDS = 1.0


class Watch:
    """Waits for a command and ends the wait when a limit is passed."""

    def __init__(self, spec: JobSpec, log: Path, progress: Progress, tell: Callable[[dict[str, float], float], None]) -> None:
        self._spec = spec
        self._log = log
        self._progress = progress
        self._tell = tell
        self._started = self._moved = time.monotonic()
        self._told: dict[str, float] | None = None
        self._last: tuple[int, int] = (0, 0)

    def wait(self, process: subprocess.Popen[bytes]) -> int:
        """The exit code of ``process``; E_TRAINER_LIMIT or E_DISK_FULL names the limit that it passed."""
        tick = 0.05
        while True:
            try:
                code = process.wait(tick)
            except subprocess.TimeoutExpired:
                tick = min(TICK_SECONDS, tick * 2)
                self._look()
            else:
                self._look_at_progress()
                return code

    def _look(self) -> None:
        now = time.monotonic()
        limits = self._spec.limits
        if now - self._started > self._spec.max_seconds:
            raise JobFailure(
                "E_TRAINER_LIMIT",
                f"maxDuration: the command ran longer than {self._spec.max_seconds:g} s and was ended; raise the stage's timeout or train less",
            )
        processes, ticks = usage()
        if processes > limits.processes:
            raise JobFailure("E_TRAINER_LIMIT", f"processes: the command had {processes} processes, at most {limits.processes} are allowed")
        check_disk(limits, self._spec.directory)
        # Computing counts as progress: a command may say nothing for hours. Waiting for ever does not.
        moved = (_size(self._log), ticks // max(1, os.sysconf("SC_CLK_TCK") // 10))
        if self._look_at_progress() or moved != self._last:
            self._last = moved
            self._moved = now
        elif limits.no_progress_seconds is not None and now - self._moved > limits.no_progress_seconds:
            raise JobFailure(
                "E_TRAINER_LIMIT",
                f"noProgressTimeout: for {limits.no_progress_seconds:g} s the command wrote nothing and used no processor time, and was ended; "
                "find out what it waits for, or raise noProgressTimeout",
                # What it waited for may be there the next time.
                transient=True,
            )

    def _look_at_progress(self) -> bool:
        if not self._progress.changed():
            return False
        latest = self._progress.latest
        if latest is not None and latest != self._told:
            self._told = latest
            self._tell(latest, self._progress.written_at)
        return True


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0
