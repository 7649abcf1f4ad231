"""What others see of a job while it runs: its log and its checkpoints, stored every few seconds."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

from .checkpoints import Checkpoints
from .failures import JobFailure
from .spec import JobSpec
from .store import Store, open_store

LOG_SECONDS = 3.0
CHECKPOINT_SECONDS = 10.0
SEGMENT = 256 << 10


class LogSegments:
    """Stores ``log.txt`` as ``log/<offset of its first byte, 12 digits>.txt`` below the outputs.

    The last one is replaced while it grows; whoever reads on asks for the segment that holds the byte it is at.
    """

    def __init__(self, spec: JobSpec, log: Path) -> None:
        self._outputs = spec.outputs
        self._log = log
        self._start = self._stored = 0

    def store_new(self, store: Store) -> None:
        """Stores what was written since the last call; OSError when the store fails."""
        size = self._log.stat().st_size if self._log.exists() else 0
        while self._stored < size:
            with self._log.open("rb") as source:
                source.seek(self._start)
                part = source.read(SEGMENT)
            store.put_bytes(f"{self._outputs}log/{self._start:012d}.txt", part)
            self._stored = self._start + len(part)
            if len(part) == SEGMENT:
                self._start = self._stored


class LiveUploads:
    """A thread beside the command. Nothing that fails here fails the job; it is tried again until the end."""

    def __init__(self, spec: JobSpec, checkpoints: Checkpoints) -> None:
        self._spec = spec
        self._segments = LogSegments(spec, spec.directory / "log.txt")
        self._checkpoints = checkpoints
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> LiveUploads:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        next_checkpoint = time.monotonic() + CHECKPOINT_SECONDS
        while not self._ended.wait(LOG_SECONDS):
            self._try_to_store(checkpoints=time.monotonic() >= next_checkpoint)
            if time.monotonic() >= next_checkpoint:
                next_checkpoint = time.monotonic() + CHECKPOINT_SECONDS
        self._try_to_store(checkpoints=True)

    def _try_to_store(self, checkpoints: bool) -> None:
        try:
            self._segments.store_new(open_store(self._spec.outputs, self._spec.store))
            if checkpoints:
                self._checkpoints.store_new()
        except (OSError, KeyError, JobFailure) as fault:
            print(f"log or checkpoints not stored yet: {fault}", file=sys.stderr, flush=True)
