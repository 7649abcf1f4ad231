"""The body of ``PUT /jobs/{key}``: checked, and turned into what the launcher reads."""

from __future__ import annotations

import hashlib
import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from slipway_launcher.failures import JobFailure, quoted
from slipway_launcher.spec import parse_spec

from .refusals import Refusal

FIELDS = {
    "format", "key", "command", "code", "requirements", "inputs", "hyperparameters", "environment", "secrets",
    "resources", "outputs", "checkpoints", "expects", "maxSeconds", "identity", "options", "callback",
}  # fmt: skip
_DIGEST = re.compile(r"[0-9a-f]{64}")
_RESOURCES = {"cpu", "memoryMb", "gpu"}


@dataclass(frozen=True)
class Site:
    """What this service brings along: nothing of it can be chosen by a request."""

    directory: Path
    environments: Path
    launcher_python: Path
    store_endpoint: str | None
    store_region: str
    callback_origins: tuple[str, ...]


@dataclass(frozen=True)
class JobRequest:
    key: str
    digest: str
    """Of everything that makes the job what it is: without secrets, which may be renewed, and without the callback."""
    spec: dict[str, Any]
    """``SPEC.json`` of the launcher."""
    secrets: dict[str, str]
    callback: str | None


def parse_request(body: object, key: str, site: Site, folder: Path) -> JobRequest:
    """Checks a document, all faults at once: Refusal 422 with every one of them."""
    if not isinstance(body, dict):
        raise Refusal(422, "E_TRAINER_SPEC", "the body must be an object")
    faults = [f"/{quoted(name)} is unknown; known are {', '.join(sorted(FIELDS))}" for name in sorted(set(body) - FIELDS)]
    faults += [f"/{name} is missing" for name in sorted(FIELDS - set(body))]
    if not faults:
        faults = [*_own_faults(body, key, site)]
    if faults:
        raise Refusal(422, "E_TRAINER_SPEC", "; ".join(faults[:20]), "send what openapi.json describes")
    spec = _launcher_spec(body, site, folder)
    try:
        parse_spec(spec)
    except JobFailure as failure:
        raise Refusal(422, failure.code, failure.message) from failure
    callback = body["callback"]
    return JobRequest(key, _digest(body), spec, body["secrets"], callback and callback["url"])


def _own_faults(body: dict[str, Any], key: str, site: Site) -> list[str]:
    """What the launcher cannot know."""
    requirements, secrets, resources, callback = (body[name] for name in ("requirements", "secrets", "resources", "callback"))
    faults: list[str] = []
    if body["key"] != key:
        faults.append("/key must be the key of the path")
    if requirements is not None and not (isinstance(requirements, str) and _DIGEST.fullmatch(requirements)):
        faults.append("/requirements must be 64 lower-case hex digits or null")
    elif not _python(body, site).is_file():
        faults.append(f"/requirements names the Python environment {(requirements or '')[:16]}, which is not installed here")
    if not isinstance(secrets, dict) or not all(isinstance(value, str) and "\0" not in value for value in secrets.values()):
        faults.append("/secrets must be an object of strings")
    if not isinstance(resources, dict) or set(resources) - _RESOURCES or not all(_amount(v) for v in resources.values()):
        faults.append(f"/resources must be an object of numbers: {', '.join(sorted(_RESOURCES))}")
    elif resources.get("gpu", 0) > 0:
        faults.append("/resources/gpu must be 0: this service hands out none")
    if not isinstance(body["inputs"], dict) or not all(isinstance(files, list) for files in body["inputs"].values()):
        faults.append("/inputs must be an object of lists")
    options = body["options"]
    if not isinstance(options, dict) or set(options) - {"noProgressSeconds", "trustPickle"} or not isinstance(options.get("trustPickle", False), bool):
        faults.append("/options must be an object with noProgressSeconds (a number) and trustPickle (true or false), both optional")
    if callback is not None and not (isinstance(callback, dict) and set(callback) == {"url"} and isinstance(callback["url"], str)):
        faults.append("/callback must be an object with url, or null")
    elif callback is not None and _origin(callback["url"]) not in site.callback_origins:
        faults.append(f"/callback/url must be one of {', '.join(site.callback_origins) or 'none: this service pushes nothing'}")
    return faults


def _launcher_spec(body: dict[str, Any], site: Site, folder: Path) -> dict[str, Any]:
    given = ("format", "key", "command", "code", "hyperparameters", "environment", "outputs", "checkpoints", "expects", "maxSeconds")
    options, cores = body["options"], body["resources"].get("cpu")
    limits = {"addressSpaceMb": body["resources"].get("memoryMb"), "noProgressSeconds": options.get("noProgressSeconds")}
    return {
        **{name: body[name] for name in given},
        "inputs": {channel: {"files": files} for channel, files in body["inputs"].items()},
        # Names only: the values are in the launcher's environment.
        "secrets": sorted(body["secrets"]),
        "limits": {name: value for name, value in limits.items() if value is not None},
        "trust": ["pickle"] if options.get("trustPickle") else [],
        "threads": None if cores is None else max(1, math.ceil(cores)),
        "directory": str(folder),
        "python": str(_python(body, site)),
        "store": {"endpoint": site.store_endpoint, "region": site.store_region},
    }


def _python(body: dict[str, Any], site: Site) -> Path:
    """The job's Python; the launcher's own when it asks for none. Environments are folders named by 16 digits of the digest."""
    requirements = body["requirements"]
    return site.launcher_python if requirements is None else site.environments / requirements[:16] / "bin" / "python"


def _digest(body: dict[str, Any]) -> str:
    kept = {name: value for name, value in body.items() if name not in ("secrets", "callback")}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()


def _amount(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0


def _origin(url: str) -> str:
    try:
        parts = urlsplit(url)
        return f"{parts.scheme}://{parts.hostname}{'' if parts.port is None else f':{parts.port}'}"
    except ValueError:
        return ""
