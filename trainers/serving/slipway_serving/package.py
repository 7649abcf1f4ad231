"""A model on disk: ``serving.json``, the model's file that it names, and ``model.json``, checked before anything is loaded."""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .allowed_types import ALLOWED_TYPES

MODEL_BYTES = 1 << 30
UNPACKED_BYTES = 4 << 30
DOCUMENT_BYTES = 1_000_000
KINDS = {"text-classifier": "text", "tabular-classifier": "features"}
_SERVICE = re.compile(r"[a-z][a-z0-9-]{0,62}")
_FILE = re.compile(r"model\.[A-Za-z0-9._-]+")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")


class PackageRefused(Exception):
    """The directory holds nothing that may be served; ``code`` is the stable reason."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(f"{code}: {message}")


@dataclass(frozen=True)
class ModelPackage:
    """A checked model: ``raw`` are the bytes of the file that is served, whose SHA-256 is ``sha256``."""

    service: str
    version: str
    sha256: str
    input: str
    labels: list[str]
    fallback_below: float
    trusted: list[str]
    raw: bytes


def read_package(directory: Path) -> ModelPackage:
    """Reads and checks a model; PackageRefused says what is wrong, with both digests when they differ."""
    serving = _document(directory, "serving.json")
    description = _document(directory, "model.json")
    for name, pattern in (("service", _SERVICE), ("version", _VERSION), ("sha256", re.compile(r"[0-9a-f]{64}")), ("file", _FILE)):
        if not isinstance(serving.get(name), str) or not pattern.fullmatch(serving[name]):
            raise PackageRefused("E_MODEL_FORMAT", f"serving.json: {name} must match {pattern.pattern}, found {ascii(serving.get(name))[:120]}")
    file = serving["file"]
    raw = _bytes(directory / file, MODEL_BYTES)
    found = hashlib.sha256(raw).hexdigest()
    if found != serving["sha256"]:
        raise PackageRefused(
            "E_ARTIFACT_DIGEST",
            f"{file} of {serving['service']} version {serving['version']} should have sha256 {serving['sha256']}, found {found}; fetch it again",
        )
    kind, labels, below = description.get("kind"), description.get("labels"), description.get("fallbackBelow")
    if description.get("format") != 1 or kind not in KINDS or description.get("input") != KINDS[kind]:
        raise PackageRefused("E_MODEL_FORMAT", f"model.json: format 1 with kind and input of {KINDS} is known, found {ascii(kind)[:120]}")
    if not isinstance(labels, list) or len(labels) < 2 or not all(isinstance(label, str) for label in labels):
        raise PackageRefused("E_MODEL_FORMAT", "model.json: labels must list at least two names")
    if isinstance(below, bool) or not isinstance(below, (int, float)) or not math.isfinite(below) or not 0 <= below < 1:
        raise PackageRefused("E_MODEL_FORMAT", f"model.json: fallbackBelow must be a number from 0 up to below 1, found {ascii(below)[:120]}")
    trusted = _trusted(description)
    _check_types(raw, file)
    return ModelPackage(serving["service"], serving["version"], found, KINDS[kind], labels, float(below), trusted, raw)


def _trusted(description: dict[str, Any]) -> list[str]:
    skops = description.get("skops")
    trusted = skops.get("trusted") if isinstance(skops, dict) else None
    if not isinstance(trusted, list) or not all(isinstance(name, str) for name in trusted):
        raise PackageRefused("E_MODEL_FORMAT", "model.json: skops.trusted must be an explicit list of types")
    _refuse_types(set(trusted) - ALLOWED_TYPES, "model.json trusts")
    return trusted


def _check_types(raw: bytes, file: str) -> None:
    """Looks into the archive without loading it: is it skops, and does it name allowed types only?"""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            if sum(member.file_size for member in archive.infolist()) > UNPACKED_BYTES:
                raise PackageRefused("E_MODEL_FORMAT", f"{file} unpacks to more than {UNPACKED_BYTES >> 30} GiB")
            schema = json.loads(archive.read("schema.json"))
    except (zipfile.BadZipFile, KeyError, ValueError, NotImplementedError, RecursionError) as fault:
        raise PackageRefused(
            "E_MODEL_FORMAT", f"{file} is not a skops archive (a zip with schema.json): {fault}; save the model with skops.io"
        ) from fault
    found: set[str] = set()
    open_nodes: list[Any] = [schema]
    while open_nodes:
        node = open_nodes.pop()
        if isinstance(node, dict):
            if isinstance(node.get("__class__"), str):
                found.add(f"{node.get('__module__')}.{node['__class__']}")
            open_nodes.extend(node.values())
        elif isinstance(node, list):
            open_nodes.extend(node)
    _refuse_types(found - ALLOWED_TYPES, f"{file} holds")


def _refuse_types(refused: set[str], what: str) -> None:
    if refused:
        listed = ", ".join(ascii(name)[1:121] for name in sorted(refused)[:10])
        raise PackageRefused("E_MODEL_FORMAT", f"{what} types that may not be served: {listed}; the allowed ones are in allowed_types.py")


def _document(directory: Path, name: str) -> dict[str, Any]:
    try:
        document = json.loads(_bytes(directory / name, DOCUMENT_BYTES))
    except (ValueError, RecursionError) as fault:
        raise PackageRefused("E_MODEL_FORMAT", f"{name} is not JSON: {fault}") from fault
    if not isinstance(document, dict):
        raise PackageRefused("E_MODEL_FORMAT", f"{name} must be a JSON object")
    return document


def _bytes(file: Path, limit: int) -> bytes:
    try:
        with os.fdopen(os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as source:
            raw = source.read(limit + 1)
    except OSError as fault:
        raise PackageRefused("E_MODEL_FORMAT", f"{file.name} cannot be read as a regular file: {fault.strerror}") from fault
    if len(raw) > limit:
        raise PackageRefused("E_MODEL_FORMAT", f"{file.name} has more than {limit} bytes")
    return raw
