"""What jobs in a container of some platform share: where their Python is, and whom they tell how far they are."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from .failures import JobFailure
from .spec import StoreAddress
from .store import open_store

TELL_SECONDS = 2.0


class Teller:
    """A thread that stores the launcher's state where the trainer looks, whenever it changed."""

    def __init__(self, file: Path, uri: str, address: StoreAddress) -> None:
        self._file, self._uri, self._address = file, uri, address
        self._told = b""
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Teller:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def tell(self) -> None:
        """StoreFault or KeyError when the store fails."""
        content = self._file.read_bytes() if self._file.exists() else b""
        if content != self._told:
            open_store(self._uri, self._address).put_bytes(self._uri, content)
            self._told = content

    def _run(self) -> None:
        while not self._ended.wait(TELL_SECONDS):
            try:
                self.tell()
            except (OSError, KeyError, JobFailure) as fault:
                print(f"state not stored yet: {fault}", file=sys.stderr, flush=True)


def python_of(requirements: object, environments: Path) -> str:
    """The job's Python; the launcher's own when it asks for none. E_TRAINER_ENVIRONMENT when the image lacks it."""
    if requirements is None:
        return sys.executable
    python = environments / str(requirements) / "bin" / "python"
    if not python.is_file():
        raise JobFailure("E_TRAINER_ENVIRONMENT", f"the image has no Python environment {python}; build it from the folder's requirements.txt")
    return str(python)
