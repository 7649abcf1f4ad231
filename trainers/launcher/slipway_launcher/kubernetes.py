"""``python -m slipway_launcher.kubernetes --key KEY --document URI …``: the launcher as the container of a Kubernetes Job.

What to do is the document, which is in the store; it counts only with the digest that the Job names. How far it is, it
tells to ``--state``, as ``state.json`` of the launcher. Of all pods that Kubernetes may start for the Job, the one that
is the first to write its uid (``SLIPWAY_POD``) to ``--owner`` runs it. What the command prints is printed here as well,
for ``kubectl logs``. Exit codes: 0 the job succeeded, 1 it failed, 2 wrong usage, 75 another pod has the job.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
import threading
from pathlib import Path
from typing import Any

from .container import Teller, python_of
from .failures import JobFailure, quoted
from .job import run_job
from .spec import RemoteFile, StoreAddress, read_document
from .state import JobState
from .store import fetch, open_store, patiently
from .store_fault import StoreFault

ECHO_SECONDS = 0.5
CHUNK = 1 << 16


def main() -> int:
    given = _options()
    directory = given.root.resolve() / "job"
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    address = StoreAddress(given.endpoint, given.region)
    teller = Teller(directory / "state.json", given.state, address)
    try:
        if not _is_first(given.owner, os.environ.get("SLIPWAY_POD", ""), address):
            print("another pod has this job: this one does nothing", file=sys.stderr, flush=True)
            return 75
        well = _run(given, directory, address, teller)
        patiently(teller.tell)
    except (StoreFault, KeyError, JobFailure) as fault:
        print(f"E_STORE: the job cannot tell how it is: {fault}", file=sys.stderr, flush=True)
        return 1
    if not well:
        failure = read_document(directory / "state.json").get("failure", {})
        print(f"{failure.get('code')}: {failure.get('message')}", file=sys.stderr, flush=True)
    return 0 if well else 1


def _run(given: argparse.Namespace, directory: Path, address: StoreAddress, teller: Teller) -> bool:
    try:
        document = _document(given, directory, address)
        spec = {**document["launcher"], "directory": str(directory), "python": python_of(document.get("requirements"), given.environments)}
    except JobFailure as failure:
        JobState(directory).fail(failure)
        return False
    with teller, Echo(directory / "log.txt"):
        return run_job(spec, directory)


def _document(given: argparse.Namespace, directory: Path, address: StoreAddress) -> dict[str, Any]:
    """What to do; E_STORE, E_ARTIFACT_MISSING or E_ARTIFACT_DIGEST when it cannot be had, E_TRAINER_SPEC when it is of another job."""
    file = directory / "job.json"
    store = open_store(given.document, address)
    fetch(store, RemoteFile(file.name, given.document, given.sha256, given.bytes), file, "the job's document")
    document = read_document(file)
    launcher = document.get("launcher")
    if document.get("format") != 1 or not isinstance(launcher, dict) or launcher.get("key") != given.key:
        raise JobFailure("E_TRAINER_SPEC", f"{quoted(given.document)} is not that of job {given.key[:12]} in format 1; use an image of the same version")
    return document


def _is_first(owner: str, pod: str, address: StoreAddress) -> bool:
    """Whether this pod has the job, also when the answer to its first claim was lost."""
    store = open_store(owner, address)
    if patiently(lambda: store.put_new(owner, pod.encode())):
        return True
    return patiently(lambda: b"".join(store.chunks(owner))) == pod.encode()


class Echo:
    """A thread that prints what is added to a file."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._at = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Echo:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._print_new()

    def _run(self) -> None:
        while not self._ended.wait(ECHO_SECONDS):
            self._print_new()

    def _print_new(self) -> None:
        if not self._file.exists():
            return
        with self._file.open("rb") as source:
            source.seek(self._at)
            while chunk := source.read(CHUNK):
                self._at += len(chunk)
                sys.stdout.buffer.write(chunk)
        sys.stdout.buffer.flush()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="slipway_launcher.kubernetes", allow_abbrev=False)
    parser.add_argument("--key", required=True, help="the key of the job that the document must be of")
    parser.add_argument("--document", required=True, help="where the document is")
    parser.add_argument("--sha256", required=True, help="its digest")
    parser.add_argument("--bytes", required=True, type=int, help="its size")
    parser.add_argument("--state", required=True, help="where to tell how far the job is")
    parser.add_argument("--owner", required=True, help="where the one pod that runs writes its uid")
    parser.add_argument("--endpoint", required=True, help="address of the store")
    parser.add_argument("--region", required=True, help="region of the store")
    parser.add_argument("--root", type=Path, required=True, help="an empty folder to work in")
    parser.add_argument("--environments", type=Path, required=True, help="Python environments, by 16 digits of the digest of their requirements")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
