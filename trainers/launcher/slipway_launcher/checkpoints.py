"""Keeps what a command writes to SM_CHECKPOINT_DIR, so that the next attempt of its stage finds it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import time
from collections import deque
from pathlib import PurePosixPath
from typing import Any

from .failures import JobFailure
from .paths import open_regular, path_fault, regular_files
from .spec import JobSpec, RemoteFile
from .store import CHUNK, fetch, open_store

FOLDER = "checkpoints"
LIST = "latest.json"
LIST_LIMIT = 4 << 20
# A command writes a checkpoint and says where it is, in this order or the other.
BESIDE_SECONDS = 1.0


class Checkpoints:
    """``<checkpoints>latest.json`` lists the files and links of the last state that was stored; bytes stand by their digest.

    Beside them it says how far the command was (``progress``), and of a job that began with a state what that said (``restored``).
    """

    def __init__(self, spec: JobSpec) -> None:
        self._spec = spec
        self._stored: dict[str, tuple[tuple[int, int], dict[str, Any]]] = {}
        # Path → target, such as latest → step-3.
        self._links: dict[str, str] = {}
        self._told: deque[tuple[float, dict[str, float]]] = deque(maxlen=100)
        self._progress: dict[str, float] | None = None
        self._restored: dict[str, Any] | None = None

    def restore(self) -> None:
        """Puts the stored files into the folder. A state that is not whole is told and passed over: the job begins anew."""
        if self._spec.checkpoints is None:
            return
        store = open_store(self._spec.checkpoints, self._spec.store)
        try:
            text = b"".join(store.chunks(self._spec.checkpoints + LIST))
            for remote in self._listed(text):
                target = self._spec.directory / FOLDER / remote.path
                fetch(store, remote, target, f"checkpoint {remote.path}")
                self._stored[remote.path] = (_facts(os.stat(target)), {"path": remote.path, "uri": remote.uri, "sha256": remote.sha256, "bytes": remote.bytes})
            self._links = _listed_links(text)
            for path, target in self._links.items():
                link = self._spec.directory / FOLDER / path
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(target)
            if self._stored:
                self._restored = {"progress": json.loads(text).get("progress")}
        except KeyError:
            return
        except (JobFailure, ValueError, TypeError, FileExistsError) as fault:
            print(f"the stored checkpoint is not usable, the job begins anew: {fault}", file=sys.stderr, flush=True)
            self._stored, self._links = {}, {}
            shutil.rmtree(self._spec.directory / FOLDER)
            (self._spec.directory / FOLDER).mkdir(mode=0o700)

    def told(self, numbers: dict[str, float], at: float) -> None:
        """The command said at ``at`` (seconds since the epoch) that it is so far."""
        self._told.append((at, numbers))

    def store_new(self) -> None:
        """Stores what changed since the last call; OSError when the store fails."""
        if self._spec.checkpoints is None:
            return
        links: dict[str, str] = {}
        found = {path.removeprefix(f"{FOLDER}/"): place for path, place in regular_files(self._spec.directory, FOLDER, links)}
        whole = {path: place for path, place in found.items() if not _unfinished(path)}
        before, links_before = dict(self._stored), self._links
        self._links = {path.removeprefix(f"{FOLDER}/"): target for path, target in links.items()}
        for path, place in whole.items():
            facts = _facts(place.lstat())
            if path not in before or before[path][0] != facts:
                self._store(path, place)
        for path in set(self._stored) - set(whole):
            del self._stored[path]
        if self._stored == before and self._links == links_before:
            return
        store = open_store(self._spec.checkpoints, self._spec.store)
        listed = [entry for _, entry in sorted(self._stored.values(), key=lambda item: item[1]["path"])]
        newest = max((mtime for (_, mtime), _ in self._stored.values()), default=0) / 1e9
        self._progress = next((numbers for at, numbers in reversed(list(self._told)) if at <= newest + BESIDE_SECONDS), self._progress)
        document = {"format": 1, "key": self._spec.key, "at": time.time(), "files": listed, "progress": self._progress}
        if self._links:
            document["links"] = self._links
        if self._restored is not None:
            document["restored"] = self._restored
        store.put_bytes(self._spec.checkpoints + LIST, json.dumps(document).encode())
        for uri in {entry["uri"] for _, entry in before.values()} - {entry["uri"] for entry in listed}:
            store.delete(uri)

    def _store(self, path: str, place: Any) -> None:
        assert self._spec.checkpoints is not None
        try:
            descriptor = open_regular(place, self._spec.run_as)
        except JobFailure:
            # Renamed or removed since the folder was listed, or not the job's.
            return
        with os.fdopen(descriptor, "rb") as source:
            facts = _facts(os.fstat(source.fileno()))
            digest = hashlib.sha256()
            while chunk := source.read(CHUNK):
                digest.update(chunk)
            source.seek(0)
            uri = f"{self._spec.checkpoints}files/{digest.hexdigest()}"
            open_store(uri, self._spec.store).put(uri, source)
            # One that is still written is stored when it rests.
            if _facts(os.fstat(source.fileno())) == facts:
                self._stored[path] = (facts, {"path": path, "uri": uri, "sha256": digest.hexdigest(), "bytes": facts[0]})

    def _listed(self, text: bytes) -> list[RemoteFile]:
        if len(text) > LIST_LIMIT:
            raise ValueError("its list is too long")
        files = [RemoteFile(f["path"], f["uri"], f["sha256"], f["bytes"]) for f in json.loads(text)["files"]]
        if any(path_fault(file.path) or not file.uri.startswith(str(self._spec.checkpoints)) for file in files):
            raise ValueError("its list names files elsewhere")
        return files


def _listed_links(text: bytes) -> dict[str, str]:
    """Links that lead nowhere but into the folder."""
    links = dict(json.loads(text).get("links", {}))
    for path, target in links.items():
        below_a_link = any(str(folder) in links for folder in PurePosixPath(path).parents)
        leads_to = os.path.normpath(os.path.join(os.path.dirname(path), target))
        if path_fault(path) or below_a_link or leads_to.split("/")[0] in ("", ".."):
            raise ValueError("its list names links that lead elsewhere")
    return links


def _facts(status: os.stat_result) -> tuple[int, int]:
    return status.st_size, status.st_mtime_ns


def _unfinished(path: str) -> bool:
    """Names that programs give to what they are still writing."""
    name = path.rpartition("/")[2]
    return name.startswith(".") or name.endswith((".tmp", ".part", "~"))
