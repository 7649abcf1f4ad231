"""Pushes how jobs fare to those who asked for it, signed as Standard Webhooks wants it."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import http.client
import json
import threading
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from slipway_launcher.state import write_atomic

from .jobs import Jobs

TICK = 0.2
LONGEST_PAUSE = 60.0


class Courier:
    """Watches the jobs that have a callback. The end of a job is sent until it was taken, also after a restart; news of a running one are sent once."""

    def __init__(self, jobs: Jobs, key: str) -> None:
        self._jobs = jobs
        self._secret = base64.b64decode(key.removeprefix("whsec_"), validate=True)
        self._told: dict[str, tuple[str, float]] = {}
        self._later: dict[str, tuple[float, float]] = {}
        self._open = {key for key in jobs.keys() if self._undelivered(key)}
        self._lock = threading.Lock()

    def watch(self, key: str) -> None:
        """Also tells of this job from now on."""
        if self._undelivered(key):
            with self._lock:
                self._open.add(key)

    def run(self) -> None:
        """Goes on for ever."""
        while True:
            with self._lock:
                keys = sorted(self._open)
            for key in keys:
                # One job that cannot be told about must not silence the others.
                with contextlib.suppress(Exception):
                    self._tell(key)
            time.sleep(TICK)

    def _tell(self, key: str) -> None:
        due, pause = self._later.get(key, (0.0, 0.5))
        if time.monotonic() < due:
            return
        state = self._jobs.state(key)
        ended = state["phase"] in ("succeeded", "failed")
        if not ended and not self._is_news(key, state):
            return
        name = f"msg_{key[:32]}_{'end' if ended else time.time_ns()}"
        if self._send(self._jobs.request(key)["callback"], name, self._body(key, state, ended)):
            self._later.pop(key, None)
            self._told[key] = (json.dumps(state), time.monotonic())
            if ended:
                write_atomic(self._file(key, "delivered.json"), json.dumps({"format": 1, "id": name}))
                with self._lock:
                    self._open.discard(key)
        else:
            self._later[key] = (time.monotonic() + pause, min(pause * 2, LONGEST_PAUSE))

    def _is_news(self, key: str, state: dict[str, Any]) -> bool:
        text, at = self._told.get(key, ("", 0.0))
        return json.dumps(state) != text and time.monotonic() - at >= 1.0

    def _body(self, key: str, state: dict[str, Any], ended: bool) -> bytes:
        body = json.dumps({"type": "job", "timestamp": datetime.now(timezone.utc).isoformat(), "data": state}).encode()
        if not ended:
            return body
        # The same id must come with the same bytes, whenever it comes again.
        file = self._file(key, "callback.json")
        if not file.is_file():
            write_atomic(file, body.decode())
        return file.read_bytes()

    def _send(self, url: str, name: str, body: bytes) -> bool:
        parts = urlsplit(url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=10)
        moment = str(int(time.time()))
        signature = hmac.new(self._secret, b".".join([name.encode(), moment.encode(), body]), hashlib.sha256).digest()
        headers = {
            "content-type": "application/json",
            "webhook-id": name,
            "webhook-timestamp": moment,
            "webhook-signature": f"v1,{base64.b64encode(signature).decode()}",
        }
        try:
            connection.request("POST", parts.path, body, headers)
            return 200 <= connection.getresponse().status < 300
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _undelivered(self, key: str) -> bool:
        return bool(self._jobs.request(key).get("callback")) and not self._file(key, "delivered.json").is_file()

    def _file(self, key: str, name: str) -> Path:
        return self._jobs.folder(key) / name
