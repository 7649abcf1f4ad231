"""Makes jobs for tests: a scratch directory, code packed as a tar, inputs and outputs as files of this machine."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import tarfile
import tempfile
import time
import unittest
from collections.abc import Callable
from pathlib import Path
from typing import Any

LAUNCHER = Path(__file__).parent.parent
METRICS = "import os,json; json.dump({'accuracy': 0.5}, open(os.environ['SM_OUTPUT_DATA_DIR'] + '/metrics.json', 'w'))\n"
MODEL = "open(os.environ['SM_MODEL_DIR'] + '/model.txt', 'w').write('weights')\n"


class JobTest(unittest.TestCase):
    def setUp(self) -> None:
        holder = tempfile.TemporaryDirectory(prefix="slipway-job-")
        self.addCleanup(holder.cleanup)
        self.base = Path(holder.name)
        self.directory = self.base / "scratch"
        self.directory.mkdir(mode=0o700)

    def remote(self, path: str, content: bytes) -> dict[str, Any]:
        """Puts ``content`` into the store and describes it as an input file."""
        place = self.base / "store" / hashlib.sha256(content).hexdigest()
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(content)
        return {"path": path, "uri": place.as_uri(), "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}

    def spec(self, script: str, **changes: Any) -> dict[str, Any]:
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            member = tarfile.TarInfo("job.py")
            member.size = len(script.encode())
            tar.addfile(member, io.BytesIO(script.encode()))
        code = self.remote("code.tar", archive.getvalue())
        del code["path"]
        return {
            "format": 1,
            "key": "ab" * 32,
            "directory": str(self.directory),
            "command": ["python", "job.py"],
            "python": sys.executable,
            "code": code,
            "inputs": {},
            "hyperparameters": {},
            "environment": {},
            "outputs": (self.base / "outputs").as_uri() + "/",
            "store": {"endpoint": "http://127.0.0.1:9", "region": "us-east-1"},
            "expects": ["model", "metrics"],
            "maxSeconds": 60,
            **changes,
        }

    def start(self, spec: dict[str, Any], **environment: str) -> subprocess.Popen[bytes]:
        file = self.base / "spec.json"
        file.write_text(json.dumps(spec))
        return subprocess.Popen(
            [sys.executable, "-m", "slipway_launcher", str(file)],
            cwd=LAUNCHER,
            env={"PATH": "/usr/bin:/bin", "HOME": str(self.base), **environment},
            start_new_session=True,
            stderr=subprocess.DEVNULL,
        )

    def run_job(self, spec: dict[str, Any], **environment: str) -> dict[str, Any]:
        """Runs a job to its end and gives ``state.json``."""
        self.assertIn(self.start(spec, **environment).wait(60), (0, 1))
        return self.state()

    def state(self) -> dict[str, Any]:
        return json.loads((self.directory / "state.json").read_text())

    def log(self) -> str:
        return (self.directory / "log.txt").read_text()

    def wait_for(self, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + 60
        while not condition():
            self.assertLess(time.monotonic(), deadline, "waited too long")
            time.sleep(0.02)

    def assert_failed(self, state: dict[str, Any], code: str, *texts: str) -> None:
        self.assertEqual((state["phase"], state["failure"]["code"]), ("failed", code), state)
        for text in texts:
            self.assertIn(text, state["failure"]["message"])
