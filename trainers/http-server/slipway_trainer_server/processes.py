"""Processes that outlive the one that started them: recorded on disk, recognised, ended with all they started."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

from slipway_launcher.state import write_atomic

MARKER = "SLIPWAY_MARKER"


def start(command: list[str], env: dict[str, str], folder: Path, marker: str) -> None:
    """Starts ``command`` in a session of its own and writes ``process.json``: pid, start time, boot."""
    log = os.open(folder / "launcher.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        process = subprocess.Popen(
            command, cwd=folder, env={**env, MARKER: marker}, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    finally:
        os.close(log)
    record = {"pid": process.pid, "startTime": _start_time(process.pid), "bootId": _boot(), "marker": marker}
    try:
        write_atomic(folder / "process.json", json.dumps(record))
    except OSError:
        # Unrecorded it could never be found again.
        end_marked(marker, grace=0)
        raise
    # Collected when it ends, so that it is no zombie.
    threading.Thread(target=process.wait, daemon=True).start()


def recorded(folder: Path) -> bool:
    return (folder / "process.json").is_file()


def alive(folder: Path) -> bool:
    """True while the very process of the record runs: pid, start time and boot agree."""
    try:
        record = json.loads((folder / "process.json").read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return record["bootId"] == _boot() and _state(record["pid"]) not in (None, "Z") and _start_time(record["pid"]) == record["startTime"]


def end_marked(marker: str, grace: float = 8.0) -> None:
    """SIGTERM to all processes that carry the marker, SIGKILL to those still there after ``grace`` seconds; returns when none is left."""
    asked: set[int] = set()
    deadline = time.monotonic() + grace
    while pids := _marked(marker):
        force = time.monotonic() >= deadline
        for pid in pids:
            if force or pid not in asked:
                asked.add(pid)
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL if force else signal.SIGTERM)
        time.sleep(0.02)


def _marked(marker: str) -> list[int]:
    wanted = f"{MARKER}={marker}".encode()
    found: list[int] = []
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        with contextlib.suppress(OSError):
            if wanted in Path(f"/proc/{name}/environ").read_bytes().split(b"\0") and _state(int(name)) not in (None, "Z"):
                found.append(int(name))
    return found


def _fields(pid: int) -> list[str]:
    try:
        # The command's name may hold spaces and brackets: the fields begin after the last bracket.
        return Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def _state(pid: int) -> str | None:
    fields = _fields(pid)
    return fields[0] if fields else None


def _start_time(pid: int) -> str:
    fields = _fields(pid)
    return fields[19] if len(fields) > 19 else "0"


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text("utf-8").strip()
