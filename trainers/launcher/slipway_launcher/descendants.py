"""Finds and ends every process that a command started, also those whose parent is gone."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import time

_PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> None:
    """Makes this process the parent of descendants whose own parent ends, so that none is lost (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_descendants(keep: int | None = None, grace: float = 3.0) -> None:
    """SIGTERM to all descendants, SIGKILL to those still there after ``grace`` seconds; waits until all are gone.

    Ended processes are reaped, except the child ``keep`` whose exit status the caller collects.
    """
    _signal_all(signal.SIGTERM, keep)
    deadline = time.monotonic() + grace
    while _living(keep):
        if time.monotonic() > deadline:
            _signal_all(signal.SIGKILL, keep)
        time.sleep(0.02)


def _signal_all(number: int, keep: int | None) -> None:
    for pid in _living(keep):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def _living(keep: int | None) -> list[int]:
    """Descendants of this process that run; ended ones that belong to it are reaped on the way."""
    parents: dict[int, tuple[int, str]] = {}
    for name in os.listdir("/proc") if os.path.isdir("/proc/self") else []:
        if name.isdigit() and (status := _parent_and_state(int(name))):
            parents[int(name)] = status
    own = {os.getpid()}
    found: list[int] = []
    while fresh := [pid for pid, (parent, _) in parents.items() if parent in own and pid not in own]:
        own.update(fresh)
        found += fresh
    for pid in found:
        if parents[pid][1] == "Z" and parents[pid][0] == os.getpid() and pid != keep:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
    return [pid for pid in found if parents[pid][1] != "Z"]


def _parent_and_state(pid: int) -> tuple[int, str] | None:
    try:
        with open(f"/proc/{pid}/stat", "rb") as source:
            fields = source.read().rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(fields[1]), fields[0].decode()
