"""Writes and reads ``model.skops`` and ``model.json``: data only, and the same bytes for the same model."""

from __future__ import annotations

import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import skops.io

# Types beyond what skops trusts by itself that a model of ours may hold. None is needed so far.
ALLOWED_TYPES: frozenset[str] = frozenset()


def save_model(folder: Path, model: Any, description: dict[str, Any]) -> None:
    """Writes ``model.skops`` and ``model.json`` into ``folder``.

    ``description`` holds ``kind``, ``input``, ``labels`` and ``fallbackBelow``; format and trusted types are added.
    """
    raw = _canonical(skops.io.dumps(model))
    trusted = skops.io.get_untrusted_types(data=raw)
    if not ALLOWED_TYPES.issuperset(trusted):
        raise TypeError(f"the model holds types that no server will load: {', '.join(trusted)}")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.skops").write_bytes(raw)
    document = {"format": 1, **description, "skops": {"trusted": sorted(trusted)}}
    (folder / "model.json").write_text(json.dumps(document, sort_keys=True, indent=1, allow_nan=False) + "\n", "utf-8")


def load_model(folder: Path) -> tuple[Any, dict[str, Any]]:
    """The model and its description from a channel; ValueError for types outside the allow-list."""
    document = json.loads(_only(folder, "model.json").read_text("utf-8"))
    trusted = document["skops"]["trusted"]
    if not ALLOWED_TYPES.issuperset(trusted):
        raise ValueError(f"model.json trusts types that are not allowed: {', '.join(map(str, trusted))}")
    return skops.io.load(_only(folder, "model.skops"), trusted=trusted), document


def channel(name: str) -> Path:
    """The folder of the input channel ``name``; exits with 65 when the job has none."""
    folder = os.environ.get(f"SM_CHANNEL_{name.upper()}")
    if folder is None:
        raise SystemExit(f"no input channel {name}: SM_CHANNEL_{name.upper()} is not set; give the stage this input")
    return Path(folder)


def write_metrics(metrics: dict[str, Any]) -> None:
    """Writes ``metrics.json`` to SM_OUTPUT_DATA_DIR."""
    folder = Path(os.environ.get("SM_OUTPUT_DATA_DIR", "."))
    (folder / "metrics.json").write_text(json.dumps(metrics, sort_keys=True, allow_nan=False) + "\n", "utf-8")


def _canonical(raw: bytes) -> bytes:
    """The same archive without what differs from process to process.

    skops names arrays by memory address and zip notes the time; here they are numbered in order of their
    first mention in the schema and carry the earliest time that a zip can hold.
    """
    with zipfile.ZipFile(io.BytesIO(raw)) as source:
        members = {info.filename: source.read(info) for info in source.infolist()}
    schema = json.loads(members.pop("schema.json"))
    names: dict[str, str] = {}
    _renumber(schema, names, {}, members)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        contents = {names[name]: body for name, body in members.items()}
        contents["schema.json"] = json.dumps(schema, separators=(",", ":")).encode()
        for name in sorted(contents):
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), contents[name], zipfile.ZIP_DEFLATED, 6)
    return target.getvalue()


def _renumber(node: Any, names: dict[str, str], ids: dict[int, int], members: dict[str, bytes]) -> None:
    if isinstance(node, list):
        for item in node:
            _renumber(item, names, ids, members)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key == "__id__" and isinstance(value, int):
                node[key] = ids.setdefault(value, len(ids) + 1)
            elif key == "file" and isinstance(value, str) and value in members:
                node[key] = names.setdefault(value, f"{len(names) + 1}{Path(value).suffix}")
            else:
                _renumber(value, names, ids, members)


def _only(folder: Path, name: str) -> Path:
    found = sorted(folder.rglob(name))
    if len(found) != 1:
        raise SystemExit(f"expected one {name} below {folder}, found {len(found)}")
    return found[0]
