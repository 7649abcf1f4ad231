"""What a command leaves behind: collects, hashes, uploads and lists it in the manifest."""

from __future__ import annotations

import hashlib
import io
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from .failures import JobFailure, quoted
from .metrics import Metrics, read_metrics
from .paths import open_regular, regular_files
from .spec import JobSpec
from .state import write_atomic
from .store import CHUNK, open_store


@dataclass(frozen=True)
class Outputs:
    files: list[tuple[str, Path]]
    metrics: Metrics | None


def collect_outputs(spec: JobSpec) -> Outputs:
    """Finds what the command wrote and checks it against ``expects`` before anything is uploaded.

    E_TRAINER_CONTRACT names what is missing; links and devices are E_FILE_KIND.
    """
    directory = spec.directory
    files = [*regular_files(directory, "model"), *regular_files(directory, "output/data")]
    present = {path for path, _ in files}
    rules = {
        "model": (any(path.startswith("model/") for path in present), "model (write it below SM_MODEL_DIR)"),
        "metrics": ("output/data/metrics.json" in present, "metrics (write metrics.json to SM_OUTPUT_DATA_DIR)"),
        "data": (any(p.startswith("output/data/") for p in present - {"output/data/metrics.json"}), "data (write it below SM_OUTPUT_DATA_DIR)"),
    }
    missing = [demand for name, (fulfilled, demand) in rules.items() if name in spec.expects and not fulfilled]
    if missing:
        raise JobFailure("E_TRAINER_CONTRACT", f"the command ended with 0 but left no {' and no '.join(missing)}", 0)
    metrics = read_metrics(directory / "output/data/metrics.json") if rules["metrics"][0] else None
    return Outputs(sorted(files), metrics)


def upload_outputs(spec: JobSpec, outputs: Outputs) -> dict[str, Any]:
    """Uploads every file and, last of all, ``manifest.json``; the manifest is the answer and is kept on disk too."""
    store = open_store(spec.outputs, spec.store)
    try:
        files = [_upload(store, spec.outputs, path, place) for path, place in outputs.files]
        manifest = {"format": 1, "key": spec.key, "files": files, "metrics": outputs.metrics}
        text = json.dumps(manifest, sort_keys=True, separators=(",", ":"), allow_nan=False)
        file = spec.directory / "manifest.json"
        write_atomic(file, text)
        with file.open("rb") as source:
            store.put(f"{spec.outputs}manifest.json", source)
    except (OSError, KeyError) as fault:
        raise JobFailure("E_STORE", f"{quoted(spec.outputs)} cannot be written: {fault}; check the store") from fault
    return manifest


def _upload(store: Any, outputs: str, path: str, place: Path) -> dict[str, Any]:
    uri = outputs + quote(path) if outputs.startswith("file:") else outputs + path
    with os.fdopen(open_regular(place), "rb") as source:
        before = os.fstat(source.fileno())
        digest = hashlib.sha256()
        while chunk := source.read(CHUNK):
            digest.update(chunk)
        source.seek(0, io.SEEK_SET)
        store.put(uri, source)
        after = os.fstat(source.fileno())
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise JobFailure("E_ARTIFACT_DIGEST", f"{quoted(path)} changed while it was uploaded; end every process of the command first")
    return {"path": path, "uri": uri, "bytes": after.st_size, "sha256": digest.hexdigest()}
