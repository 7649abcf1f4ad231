"""What a command leaves behind: collects, hashes, uploads and lists it in the manifest."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple
from urllib.parse import quote

from .failures import JobFailure, quoted
from .formats import model_formats
from .metrics import Metrics, read_metrics
from .own_user import JobUser
from .paths import open_regular, regular_files
from .spec import JobSpec
from .state import write_atomic
from .store import CHUNK, Store, open_store, patiently
from .store_fault import StoreFault


class Outputs(NamedTuple):
    files: list[tuple[str, Path]]
    metrics: Metrics | None
    # Path → format, of the files below model/.
    formats: dict[str, str]


def collect_outputs(spec: JobSpec) -> Outputs:
    """Finds what the command wrote and checks it against ``expects`` before anything is uploaded.

    E_TRAINER_CONTRACT names what is missing; links that lead elsewhere and devices are E_FILE_KIND; E_MODEL_FORMAT and E_ARTIFACT_SIZE
    are about the model's files.
    """
    directory = spec.directory
    files = [*regular_files(directory, "model"), *regular_files(directory, "output/data")]
    present = dict(files)
    rules = {
        "model": (any(path.startswith("model/") for path in present), "model (write it below SM_MODEL_DIR)"),
        "metrics": ("output/data/metrics.json" in present, "metrics (write metrics.json to SM_OUTPUT_DATA_DIR)"),
        "data": (any(p.startswith("output/data/") and p != "output/data/metrics.json" for p in present), "data (write it below SM_OUTPUT_DATA_DIR)"),
    }
    missing = [demand for name, (fulfilled, demand) in rules.items() if name in spec.expects and not fulfilled]
    if missing:
        raise JobFailure("E_TRAINER_CONTRACT", f"the command ended with 0 but left no {' and no '.join(missing)}", 0)
    metrics = read_metrics(present["output/data/metrics.json"]) if rules["metrics"][0] else None
    formats = model_formats([(path, place) for path, place in files if path.startswith("model/")], spec.trust)
    return Outputs(sorted(files), metrics, formats)


def upload_outputs(spec: JobSpec, outputs: Outputs) -> dict[str, Any]:
    """Uploads every file and, last of all, ``manifest.json``; the manifest is the answer and is kept on disk too."""
    store = open_store(spec.outputs, spec.store)
    try:
        files = [_upload(store, spec.outputs, path, place, spec.run_as) for path, place in outputs.files]
        manifest = {"format": 1, "key": spec.key, "files": files, "metrics": outputs.metrics, "formats": outputs.formats}
        text = json.dumps(manifest, sort_keys=True, separators=(",", ":"), allow_nan=False)
        write_atomic(spec.directory / "manifest.json", text)
        patiently(lambda: store.put_bytes(f"{spec.outputs}manifest.json", text.encode()))
    except (StoreFault, KeyError) as fault:
        raise JobFailure("E_STORE", f"{quoted(spec.outputs)} cannot be written: {fault}; check the store") from fault
    return manifest


def _put_from_start(store: Store, uri: str, source: BinaryIO) -> None:
    source.seek(0)
    store.put(uri, source)


def _upload(store: Store, outputs: str, path: str, place: Path, owner: JobUser | None = None) -> dict[str, Any]:
    uri = outputs + quote(path) if outputs.startswith("file:") else outputs + path
    with os.fdopen(open_regular(place, owner), "rb") as source:
        before = os.fstat(source.fileno())
        store.expect(before.st_size)
        digest = hashlib.sha256()
        while chunk := source.read(CHUNK):
            digest.update(chunk)
        patiently(lambda: _put_from_start(store, uri, source))
        after = os.fstat(source.fileno())
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise JobFailure("E_ARTIFACT_DIGEST", f"{quoted(path)} changed while it was uploaded; end every process of the command first")
    return {"path": path, "uri": uri, "bytes": after.st_size, "sha256": digest.hexdigest()}
