"""``python -m slipway_ray JOB.json``: the entrypoint of a Ray job, in its working directory.

Starts the launcher, copies the command's output to its own, which is the job's log in Ray, and writes the launcher's
state to the store. Exit codes: that of the launcher, 75 when how the job ended could not be stored, 78 when the node
cannot run it.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

# First of all: Ray signals every process of a job that it stops, and the launcher's last words are ours to pass on.
signal.signal(signal.SIGTERM, signal.SIG_IGN)

INHERITED = ("PATH", "HOME", "LANG", "TZ", "SLIPWAY_MARKER")
# What a command needs to take part in the cluster, with the devices that Ray gave it.
FROM_RAY = ("RAY_ADDRESS", "CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES")


def main() -> int:
    try:
        return run(json.loads(Path(sys.argv[1]).read_text("utf-8")))
    except ImportError as fault:
        return complain(f"{fault}; install trainers/ray/node-requirements.txt on the nodes")


def run(document: dict[str, Any]) -> int:
    """Runs the job of ``document``; ImportError when this node lacks a package."""
    from slipway_launcher.descendants import adopt_orphans, end_descendants
    from slipway_launcher.failures import JobFailure

    from .environments import command_python
    from .folders import fresh_folder
    from .publish import Follower
    from .sealed import unseal

    if importlib.util.find_spec("boto3") is None:
        raise ImportError("No module named 'boto3'")
    spec = document["spec"]
    try:
        os.environ.update(unseal(Path("sealed.txt"), spec["key"]))
        folder = fresh_folder(Path(document["directory"]), spec["key"][:32])
        follower = Follower(spec, folder)
        python = command_python(document, spec, folder)
        adopt_orphans()
        launcher = start_launcher(spec, folder, python)
    except (JobFailure, OSError, ValueError) as fault:
        return complain(str(fault))
    try:
        follower.follow(launcher)
        # What a launcher that was killed left behind.
        end_descendants()
        follower.tell_end()
    except (JobFailure, OSError, KeyError) as fault:
        print(f"slipway: E_STORE: how the job ended could not be stored: {fault}", flush=True)
        return 75
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return launcher.returncode


def complain(message: str) -> int:
    """This node cannot run the job."""
    print(f"slipway: E_TRAINER_ENVIRONMENT: {message}", flush=True)
    return 78


def start_launcher(spec: dict[str, Any], folder: Path, python: str) -> subprocess.Popen[bytes]:
    """The launcher as a process of its own, whose own words stay apart from the command's."""
    given = {name: os.environ[name] for name in FROM_RAY if name in os.environ}
    whole = {**spec, "directory": str(folder), "python": python, "environment": {**given, **spec["environment"]}}
    (folder / "spec.json").write_text(json.dumps(whole), "utf-8")
    environment = {name: value for name, value in os.environ.items() if name in INHERITED or name.startswith(("AWS_", "SLIPWAY_SECRET_"))}
    environment["PYTHONPATH"] = os.getcwd()
    with open(folder / "launcher.log", "wb") as log:
        return subprocess.Popen(
            [sys.executable, "-B", "-m", "slipway_launcher", str(folder / "spec.json")],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            # What we ignore, it must not.
            preexec_fn=lambda: signal.signal(signal.SIGTERM, signal.SIG_DFL),
        )


if __name__ == "__main__":
    sys.exit(main())
