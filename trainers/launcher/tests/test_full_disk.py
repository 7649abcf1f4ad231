from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from .job_fixture import LAUNCHER, METRICS, MODEL, JobTest

# Fills what is left of the disk, to the last page, below TMPDIR.
FILL = (
    "import os\nwith open(os.environ['TMPDIR'] + '/fill', 'wb', buffering=0) as sink:\n"
    "    try:\n        while True: sink.write(b'x' * 4096)\n    except OSError as fault: print(fault, flush=True)\n"
)
# What the disk holds once the launcher is gone goes with it: it is copied first. The arguments are disk, copy and launcher.
ON_A_SMALL_DISK = 'mount -t tmpfs -o size=64m none "$1" && { disk="$1"; copy="$2"; shift 2; "$@"; code=$?; cp -a "$disk/." "$copy"; exit $code; }'


def why_not() -> str | None:
    """Why no disk of its own can be mounted here, or None when one can."""
    if shutil.which("unshare") is None:
        return "there is no unshare"
    tried = subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/tmp"], capture_output=True, text=True, check=False)
    return None if tried.returncode == 0 else f"no disk can be mounted here: {tried.stderr.strip()}"


class FullDisk(JobTest):
    def setUp(self) -> None:
        super().setUp()
        if (reason := why_not()) is not None:
            self.skipTest(reason)

    def on_a_small_disk(self, script: str, **changes: Any) -> tuple[dict[str, Any], set[str]]:
        """Runs a job on a disk of 64 MiB that may be filled to the brim: its state, and what is left of it."""
        file, copy = self.base / "spec.json", self.base / "left"
        file.write_text(json.dumps(self.spec(script, **{"limits": {"freeDiskMb": 0.1}, **changes})))
        shutil.rmtree(copy, ignore_errors=True)
        copy.mkdir()
        ended = subprocess.run(
            ["unshare", "-rm", "sh", "-c", ON_A_SMALL_DISK, "sh", str(self.directory), str(copy), sys.executable, "-m", "slipway_launcher", str(file)],
            cwd=LAUNCHER,
            env={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "HOME": str(self.base)},
            start_new_session=True,
            timeout=120,
            check=False,
        )
        self.assertEqual(ended.returncode, 1)
        return json.loads((copy / "state.json").read_text()), {path.relative_to(copy).as_posix() for path in copy.rglob("*")}

    def assert_told_and_nothing_left(self, state: dict[str, Any], left: set[str]) -> None:
        self.assert_failed(state, "E_DISK_FULL", "free some space")
        self.assertLessEqual(left, {"state.json", "log.txt", "lock"})
        stored = [path.relative_to(self.base / "outputs").as_posix() for path in (self.base / "outputs").rglob("*") if path.is_file()]
        self.assertEqual([path for path in stored if not path.startswith("log/")], [])

    def test_while_inputs_are_fetched(self) -> None:
        inputs = {"train": {"files": [self.remote(f"part-{n}", bytes([n]) * (20 << 20)) for n in range(4)]}}
        self.assert_told_and_nothing_left(*self.on_a_small_disk("raise SystemExit(3)", inputs=inputs))

    def test_while_the_command_writes_and_takes_it_for_its_own_failure(self) -> None:
        script = METRICS + MODEL + FILL.replace("print(fault, flush=True)", "raise SystemExit(64)")
        self.assert_told_and_nothing_left(*self.on_a_small_disk(script, limits={"freeDiskMb": 1}))

    def test_while_the_command_talks_and_waits_for_nobody(self) -> None:
        script = METRICS + MODEL + FILL + "for n in range(100_000): print('line', n)\n"
        self.assert_told_and_nothing_left(*self.on_a_small_disk(script))

    def test_when_outputs_are_to_be_stored(self) -> None:
        self.assert_told_and_nothing_left(*self.on_a_small_disk(METRICS + MODEL + FILL.replace("print(fault, flush=True)", "pass")))

    def test_of_the_store_keeps_no_part_of_a_file(self) -> None:
        script = METRICS + MODEL + "open(os.environ['SM_MODEL_DIR'] + '/big.txt', 'wb').write(b'x' * (40 << 20))\n"
        state, left = self.on_a_small_disk(script, outputs=f"file://{self.directory}/store/")
        self.assert_failed(state, "E_STORE", "No space left")
        self.assertEqual({path for path in left if path.startswith("store/") and "log" not in path}, {"store/model"})
