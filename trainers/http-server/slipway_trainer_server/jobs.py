"""The jobs of this service: one folder each, found again after a restart."""

from __future__ import annotations

import json
import os
import re
import threading
from collections import defaultdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import slipway_launcher
from slipway_launcher.environment import SECRET_PREFIX
from slipway_launcher.state import write_atomic

from . import processes
from .job_request import JobRequest, Site, parse_request
from .refusals import Refusal, no_such_job

KEY = re.compile(r"[0-9a-f]{64}")
# 75 is "try again later"; negative numbers are signals that come from outside: hang-up, interrupt, kill, terminate.
TRANSIENT_EXITS = (75, -1, -2, -9, -15)
TRANSIENT_CODES = ("E_DISK_FULL", "E_STORE", "E_TRAINER_LOST")
LOG_PART = 1 << 20
_ENDED = ("succeeded", "failed")


class Jobs:
    """Starts, finds, tells about and stops jobs. The same key is the same job, also for two who start at once."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def start(self, key: str, body: object) -> tuple[dict[str, Any], bool]:
        """The job's state, and whether it was started now. Refusal 409 when the key is that of another job."""
        folder = self.folder(key)
        request = parse_request(body, key, self.site, folder)
        with self._locks[key]:
            if processes.recorded(folder):
                if self.request(key)["digest"] != request.digest:
                    raise Refusal(409, "E_IDEMPOTENCY_MISMATCH", f"key {key[:12]} is that of a job which was asked for otherwise")
                return self.state(key), False
            self._launch(folder, request)
            return self.state(key), True

    def state(self, key: str) -> dict[str, Any]:
        """How the job fares, as the protocol tells it; Refusal 404 when there is none."""
        folder = self._existing(key)
        head = {"format": 1, "key": key, "job": folder.name}
        # Asked first: a launcher that ends in between has written its last state by then.
        alive = processes.alive(folder)
        state = _read(folder / "state.json")
        phase = state.get("phase")
        if phase == "succeeded":
            return {**head, "phase": "succeeded", "manifest": state["manifest"], **_ran(state)}
        if phase == "failed":
            transient = state["failure"]["code"] in TRANSIENT_CODES or state.get("exitCode") in TRANSIENT_EXITS
            return {**head, "phase": "failed", "failure": {"transient": transient, **state["failure"]}, **_ran(state)}
        if alive:
            return {**head, "phase": "running", "note": phase or "starting", "progress": state.get("progress")}
        return {**head, "phase": "lost", "reason": f"the launcher is gone; the last it wrote was {phase or 'nothing'}"}

    def stop(self, key: str) -> dict[str, Any]:
        """Ends the job with all its processes, and returns when they are gone; one that has ended is left alone."""
        folder = self._existing(key)
        with self._locks[key]:
            was_lost = not processes.alive(folder)
            processes.end_marked(key)
            state = _read(folder / "state.json")
            if state.get("phase") not in _ENDED:
                # The launcher could not say so itself.
                failure = (
                    {"code": "E_TRAINER_LOST", "message": "the job was lost: it ended without a word; what was left of it was ended"}
                    if was_lost
                    else {"code": "E_TRAINER_CANCELLED", "message": "the job was stopped; all its processes were ended"}
                )
                ended = {"format": 1, "phase": "failed", "endedAt": _now(), "failure": failure}
                write_atomic(folder / "state.json", json.dumps(ended))
            return self.state(key)

    def logs(self, key: str, start: int | None, size: int) -> dict[str, Any]:
        """Up to ``size`` bytes of the output from the byte ``start``, or the last ones."""
        folder = self._existing(key)
        text, after = _part(folder / "log.txt", start, size)
        if start is None and text == "":
            text, after = _part(folder / "launcher.log", None, size)[0], 0
        return {"format": 1, "key": key, "job": folder.name, "text": text, "next": after}

    def folder(self, key: str) -> Path:
        if not KEY.fullmatch(key):
            raise Refusal(400, "E_TRAINER_SPEC", "a key is 64 lower-case hex digits")
        return self.site.directory / key[:32]

    def request(self, key: str) -> dict[str, Any]:
        """What is kept of the request."""
        return _read(self.folder(key) / "request.json")

    def keys(self) -> list[str]:
        found = (_read(file).get("key") for file in self.site.directory.glob("*/request.json"))
        return [key for key in found if isinstance(key, str)]

    def _existing(self, key: str) -> Path:
        folder = self.folder(key)
        if not processes.recorded(folder) or self.request(key).get("key") != key:
            raise no_such_job(key)
        return folder

    def _launch(self, folder: Path, request: JobRequest) -> None:
        if folder.exists():
            # A start that was cut off may have left a launcher that nobody knows.
            processes.end_marked(request.key)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        kept = {"format": 1, "key": request.key, "digest": request.digest, "callback": request.callback}
        write_atomic(folder / "request.json", json.dumps(kept))
        write_atomic(folder / "spec.json", json.dumps(request.spec))
        command = [str(self.site.launcher_python), "-m", "slipway_launcher", str(folder / "spec.json")]
        processes.start(command, launcher_environment(request.secrets), folder, request.key)


def launcher_environment(secrets: dict[str, str]) -> dict[str, str]:
    """What the launcher finds: the store's credentials are among it, and the launcher passes them to nobody."""
    inherited = ("PATH", "HOME", "LANG", "TZ", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    environment = {name: os.environ[name] for name in inherited if name in os.environ}
    environment["PYTHONPATH"] = str(Path(slipway_launcher.__file__).parent.parent)
    return {**environment, **{SECRET_PREFIX + name: value for name, value in secrets.items()}}


def _ran(state: dict[str, Any]) -> dict[str, float]:
    """How long the launcher worked, where it says so."""
    try:
        began, ended = (datetime.fromisoformat(state[name].replace("Z", "+00:00")) for name in ("startedAt", "endedAt"))
    except (KeyError, AttributeError, ValueError):
        return {}
    return {"seconds": max(0.0, (ended - began).total_seconds())}


def _part(file: Path, start: int | None, size: int) -> tuple[str, int]:
    limit = min(size, LOG_PART)
    try:
        with file.open("rb") as source:
            end = os.fstat(source.fileno()).st_size
            begin = max(0, end - limit) if start is None else min(start, end)
            source.seek(begin)
            raw = source.read(limit)
    except FileNotFoundError:
        return "", start or 0
    # A character that is cut in two is read whole with the next part.
    for cut in range(1, min(3, len(raw)) + 1):
        byte = raw[-cut]
        if byte & 0xC0 == 0x80:
            continue
        needed = 4 if byte >= 0xF0 else 3 if byte >= 0xE0 else 2 if byte >= 0xC0 else 1
        raw = raw[:-cut] if needed > cut else raw
        break
    return raw.decode("utf-8", "replace"), begin + len(raw)


def _read(file: Path) -> dict[str, Any]:
    try:
        value = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
