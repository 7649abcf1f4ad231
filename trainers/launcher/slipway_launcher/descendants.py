"""Finds and ends every process that a command started, also those whose parent is gone."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import time
from typing import NamedTuple

_PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> None:
    """Makes this process the parent of descendants whose own parent ends, so that none is lost (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_descendants(keep: int | None = None, grace: float = 3.0) -> None:
    """SIGTERM to all descendants, SIGKILL to those still there after ``grace`` seconds; waits until all are gone.

    Ended processes are reaped, except the child ``keep`` whose exit status the caller collects.
    """
    # A process that is made while the list is read may be missing in it.
    if not _signal_all(signal.SIGTERM, keep) and not _living(keep):
        return
    deadline = time.monotonic() + grace
    while _living(keep):
        if time.monotonic() > deadline:
            _signal_all(signal.SIGKILL, keep)
        time.sleep(0.02)


def _signal_all(number: int, keep: int | None) -> bool:
    """Whether there was anybody."""
    living = _living(keep)
    for pid in living:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)
    return living != []


def usage() -> tuple[int, int]:
    """How many descendants run, and the processor time in clock ticks that they and the ended ones they waited for used."""
    running = [status for status in _descendants().values() if status.state != "Z"]
    return len(running), sum(status.ticks for status in running)


class _Status(NamedTuple):
    parent: int
    state: str
    ticks: int


def _living(keep: int | None) -> list[int]:
    """Descendants of this process that run; ended ones that belong to it are reaped on the way."""
    found = _descendants()
    for pid, status in found.items():
        if status.state == "Z" and status.parent == os.getpid() and pid != keep:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
    return [pid for pid, status in found.items() if status.state != "Z"]


def _descendants() -> dict[int, _Status]:
    every: dict[int, _Status] = {}
    for name in os.listdir("/proc") if os.path.isdir("/proc/self") else []:
        if name.isdigit() and (status := _status(int(name))):
            every[int(name)] = status
    own = {os.getpid()}
    found: dict[int, _Status] = {}
    while fresh := {pid: status for pid, status in every.items() if status.parent in own and pid not in own}:
        own.update(fresh)
        found.update(fresh)
    return found


def _status(pid: int) -> _Status | None:
    try:
        with open(f"/proc/{pid}/stat", "rb") as source:
            fields = source.read().rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return _Status(int(fields[1]), fields[0].decode(), sum(int(field) for field in fields[11:15]))
