"""What others see of a job while it runs: its output in Ray's log, the launcher's state in the store."""

from __future__ import annotations

import codecs
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from slipway_launcher.failures import JobFailure, printable
from slipway_launcher.spec import StoreAddress
from slipway_launcher.store import open_store, patiently

BEGIN = "slipway: output of the job\n"
END = "\nslipway: end of the output\n"
TICK_SECONDS = 0.2
STATE_SECONDS = 1.0


class Follower:
    """Copies ``log.txt`` and ``state.json`` of a launcher until it ends."""

    def __init__(self, spec: dict[str, Any], folder: Path) -> None:
        self._folder = folder
        self._uri = f"{spec['outputs']}log/state.json"
        self._address = StoreAddress(spec["store"]["endpoint"], spec["store"]["region"])
        self._told = b""
        self._read = 0
        # Ray reads its log as UTF-8 and refuses it whole when it is not.
        self._text = codecs.getincrementaldecoder("utf-8")("replace")

    def follow(self, launcher: subprocess.Popen[bytes]) -> None:
        """Returns when the launcher has ended."""
        write(BEGIN)
        next_state = 0.0
        while launcher.poll() is None:
            self._copy_log()
            if time.monotonic() >= next_state:
                self._tell_for_now()
                next_state = time.monotonic() + STATE_SECONDS
            time.sleep(TICK_SECONDS)
        self._copy_log()
        write(self._text.decode(b"", True) + END)
        self._show_launcher()

    def tell_end(self) -> None:
        """Stores the launcher's last state; StoreFault when that fails for ten minutes."""
        patiently(self._tell)

    def _copy_log(self) -> None:
        try:
            with (self._folder / "log.txt").open("rb") as source:
                source.seek(self._read)
                while chunk := source.read(1 << 20):
                    self._read += len(chunk)
                    write(self._text.decode(chunk))
        except FileNotFoundError:
            return

    def _tell(self) -> None:
        try:
            state = (self._folder / "state.json").read_bytes()
        except FileNotFoundError:
            return
        if state != self._told:
            open_store(self._uri, self._address).put_bytes(self._uri, state)
            self._told = state

    def _tell_for_now(self) -> None:
        try:
            self._tell()
        except (OSError, KeyError, JobFailure):
            # The next state is due in a second, and the last one is told with patience.
            return

    def _show_launcher(self) -> None:
        text = (self._folder / "launcher.log").read_text("utf-8", "replace")[-4000:]
        if text.strip():
            write("\n".join(printable(line) for line in text.rstrip().splitlines()) + "\n")


def write(text: str) -> None:
    sys.stdout.buffer.write(text.encode("utf-8", "replace"))
    sys.stdout.buffer.flush()
