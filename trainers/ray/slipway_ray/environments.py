"""The Python of the command: the locked environment of its requirements, made on this node when it is missing."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

from slipway_launcher.spec import RemoteFile, StoreAddress
from slipway_launcher.store import fetch, open_store

from .folders import own_folder


def command_python(document: dict[str, Any], spec: dict[str, Any], folder: Path) -> str:
    """An interpreter's path: this one when the job has no requirements of its own.

    ValueError when the environment is missing and cannot be made, JobFailure when the code cannot be fetched.
    """
    digest = document["requirements"]
    if digest is None:
        return sys.executable
    place = own_folder(Path(document["environments"])) / digest[:16]
    python = place / "bin" / "python"
    if python.exists() and not _half_made(place).exists():
        return str(python)
    lock_file = _lock_file(spec, folder, digest)
    lock = os.open(place.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        # Of several jobs at once, one makes it.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not python.exists() or _half_made(place).exists():
            _make(place, lock_file)
    finally:
        os.close(lock)
    return str(python)


def _make(place: Path, lock_file: Path) -> None:
    shutil.rmtree(place, ignore_errors=True)
    _half_made(place).touch()
    for command in (
        [sys.executable, "-m", "venv", str(place)],
        [str(place / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "--only-binary", ":all:", "-r", str(lock_file)],
    ):
        made = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=_clean(), check=False)
        if made.returncode != 0:
            said = made.stdout.decode("utf-8", "replace").rstrip()[-800:]
            raise ValueError(f"the Python environment {place} could not be made: {said}")
    _half_made(place).unlink()


def _clean() -> dict[str, str]:
    """pip needs its own settings and the way out, and nothing of the job."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SLIPWAY_", "PYTHON"))}


def _half_made(place: Path) -> Path:
    return place.with_suffix(".half-made")


def _lock_file(spec: dict[str, Any], folder: Path, digest: str) -> Path:
    """``requirements.txt`` of the job's code, which must be the one that ``digest`` names."""
    code = spec["code"]
    if code is None:
        raise ValueError(f"the job names the Python environment {digest[:16]} and brings no code to make it from")
    archive, target = folder / "code.tar", folder / "requirements.txt"
    remote = RemoteFile("code.tar", code["uri"], code["sha256"], code["bytes"])
    fetch(open_store(remote.uri, StoreAddress(spec["store"]["endpoint"], spec["store"]["region"])), remote, archive, "the code")
    with tarfile.open(archive, "r:") as tar:
        member = next((m for m in tar if m.isreg() and m.name.removeprefix("./") == "requirements.txt"), None)
        content = b"" if member is None else tar.extractfile(member).read()  # type: ignore[union-attr]
    archive.unlink()
    minor = f"{sys.version_info.major}.{sys.version_info.minor}"
    if hashlib.sha256(content + minor.encode()).hexdigest() != digest:
        raise ValueError(f"requirements.txt of the job's code is not the one of the environment {digest[:16]} under Python {minor}; use nodes with Python 3.11")
    target.write_bytes(content)
    return target
