"""What a job is asked to do: reads SPEC.json and refuses what is wrong with it, all faults at once."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from .environment import check_arguments, forbidden_reason
from .failures import JobFailure, quoted
from .limits import Limits, parse_limits
from .own_user import JobUser
from .paths import path_fault

Hyperparameter = str | int | float | bool | list[Any] | dict[str, Any]
EXPECTATIONS = ("model", "metrics", "data")
FIELDS = {
    "format", "key", "directory", "command", "python", "code", "inputs", "hyperparameters",
    "environment", "secrets", "outputs", "checkpoints", "store", "expects", "maxSeconds", "limits", "threads", "trust", "user",
}  # fmt: skip
_KEY = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_USER = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
_URI = re.compile(r"(s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/|file:///)[^\x00-\x1f\x7f]{0,1024}")


class RemoteFile(NamedTuple):
    """Bytes elsewhere: ``path`` is where they go below their folder."""

    path: str
    uri: str
    sha256: str
    bytes: int


class StoreAddress(NamedTuple):
    endpoint: str | None
    region: str


class JobSpec(NamedTuple):
    key: str
    directory: Path
    command: list[str]
    python: str
    code: RemoteFile | None
    inputs: dict[str, list[RemoteFile]]
    hyperparameters: dict[str, Hyperparameter]
    environment: dict[str, str]
    outputs: str
    store: StoreAddress
    expects: list[str]
    max_seconds: float
    # Variables whose values the launcher finds as SLIPWAY_SECRET_<NAME> in its own environment.
    secrets: list[str]
    # Where checkpoints are kept; none without.
    checkpoints: str | None
    limits: Limits
    # For libraries that would else take every core.
    threads: int | None
    # Model formats that are taken although loading them runs code.
    trust: list[str]
    # Who the command runs as, by name or number; as the launcher without.
    user: str | int | None
    # The same, found on this machine; see ``own_user``.
    run_as: JobUser | None = None
    # The command's TMPDIR, a short way to ``tmp`` in the directory; see ``short_path``.
    temporary: Path | None = None


def read_document(file: Path) -> dict[str, Any]:
    """The JSON object in ``file``; E_TRAINER_SPEC when there is none."""
    try:
        document = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as fault:
        raise JobFailure("E_TRAINER_SPEC", f"the job's specification {file} cannot be read: {fault}") from fault
    if not isinstance(document, dict):
        raise JobFailure("E_TRAINER_SPEC", f"the job's specification {file} must be a JSON object")
    return document


def parse_spec(document: dict[str, Any]) -> JobSpec:
    """Checks a specification; E_ENV_FORBIDDEN for a reserved variable, E_ARG for what no argument can hold, else E_TRAINER_SPEC."""
    faults: list[str] = []
    _check_fields(document, faults)
    _check_names(document, faults)
    code = document.get("code")
    inputs = document.get("inputs")
    parsed_code = None if code is None else _remote("/code", {"path": "code.tar", **_object(code)}, faults)
    parsed_inputs = _inputs(inputs, faults)
    store = _object(document.get("store", {}))
    limits = parse_limits(document.get("limits"), faults)
    if faults:
        listed = "\n".join(f"- {fault}" for fault in faults[:20])
        raise JobFailure("E_TRAINER_SPEC", f"the job's specification is invalid:\n{listed}")
    environment = document.get("environment") or {}
    secrets = document.get("secrets") or []
    _refuse_reserved("environment", [name for name in environment if forbidden_reason(name)])
    # Credentials are what secrets are for; those of the launcher itself are not among them.
    _refuse_reserved("secrets", [name for name in secrets if forbidden_reason(name, credentials=True) or name in environment])
    spec = JobSpec(
        key=document["key"],
        directory=Path(document["directory"]),
        command=document["command"],
        python=document["python"],
        code=parsed_code,
        inputs=parsed_inputs,
        hyperparameters=document.get("hyperparameters") or {},
        environment=environment,
        outputs=document["outputs"],
        store=StoreAddress(store.get("endpoint"), store.get("region", "us-east-1")),
        expects=document["expects"],
        max_seconds=float(document["maxSeconds"]),
        secrets=secrets,
        checkpoints=document.get("checkpoints"),
        limits=limits,
        threads=document.get("threads"),
        trust=document.get("trust") or [],
        user=document.get("user"),
    )
    check_arguments(spec)
    return spec


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _strings(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _user(value: object) -> bool:
    if isinstance(value, str):
        return bool(_USER.fullmatch(value))
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < (1 << 32) - 1


def _number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _hyperparameter(value: object) -> bool:
    """A list or object is handed over as JSON, where null is a value; an argument has none for it."""
    return value is not None and _json(value)


def _json(value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, list):
        return all(_json(item) for item in value)
    if isinstance(value, dict):
        return all(_json(item) for item in value.values())
    return value is None or isinstance(value, (int, str))


def _check_fields(document: dict[str, Any], faults: list[str]) -> None:
    rules: list[tuple[str, Callable[[Any], bool], str]] = [
        ("format", lambda v: v == 1, "must be 1"),
        ("key", lambda v: isinstance(v, str) and bool(_KEY.fullmatch(v)), "must be 64 lower-case hex digits"),
        ("directory", lambda v: isinstance(v, str) and v.startswith("/"), "must be an absolute path"),
        ("command", lambda v: _strings(v) and len(v) > 0, "must be a list of at least one string"),
        ("python", lambda v: isinstance(v, str) and v.startswith("/"), "must be an absolute path"),
        ("outputs", lambda v: _uri(v) and v.endswith("/"), "must be an s3:// or file:// address that ends in /"),
        ("checkpoints", lambda v: v is None or (_uri(v) and v.endswith("/")), "must be an s3:// or file:// address that ends in /"),
        ("secrets", lambda v: v is None or _strings(v), "must be a list of variable names"),
        ("threads", lambda v: v is None or (isinstance(v, int) and not isinstance(v, bool) and 0 < v < 10_000), "must be a whole number above 0"),
        ("trust", lambda v: v is None or (_strings(v) and set(v) <= {"pickle"}), "must list some of pickle"),
        ("user", lambda v: v is None or _user(v), "must be the name or the number of a user"),
        ("expects", lambda v: _strings(v) and set(v) <= set(EXPECTATIONS), f"must list some of {', '.join(EXPECTATIONS)}"),
        ("maxSeconds", lambda v: _number(v) and 0 < v <= 31 * 86400, "must be seconds, more than 0, at most 31 days"),
        ("hyperparameters", lambda v: v is None or isinstance(v, dict), "must be an object"),
        ("environment", lambda v: v is None or isinstance(v, dict), "must be an object"),
        ("code", lambda v: v is None or isinstance(v, dict), "must be an object or null"),
    ]
    for field, accepts, demand in rules:
        if not accepts(document.get(field)):
            faults.append(f"/{field} {demand}, found {quoted(document.get(field))}")
    for field in sorted(set(document) - FIELDS):
        faults.append(f"/{quoted(field)} is unknown; known are {', '.join(sorted(FIELDS))}")


def _check_names(document: dict[str, Any], faults: list[str]) -> None:
    seen: dict[str, str] = {}
    for name, value in _object(document.get("hyperparameters")).items():
        if not _NAME.fullmatch(name):
            faults.append(f"/hyperparameters/{quoted(name)} must be letters, digits, _ and -, at most 64")
        if not _hyperparameter(value):
            faults.append(f"/hyperparameters/{quoted(name)} must be a string, a finite number, a boolean, or a list or object of these and null")
        variable = name.upper().replace("-", "_")
        if variable in seen:
            faults.append(f"/hyperparameters: {name} and {seen[variable]} would both be SM_HP_{variable}")
        seen[variable] = name
    for name, value in _object(document.get("environment")).items():
        if not isinstance(value, str):
            faults.append(f"/environment/{quoted(name)} must be a string")


def _inputs(inputs: object, faults: list[str]) -> dict[str, list[RemoteFile]]:
    parsed: dict[str, list[RemoteFile]] = {}
    for channel, body in _object(inputs).items():
        if not _NAME.fullmatch(channel):
            faults.append(f"/inputs/{quoted(channel)} must be letters, digits, _ and -, at most 64")
            continue
        files = _object(body).get("files")
        if not isinstance(files, list):
            faults.append(f"/inputs/{channel}/files must be a list")
            continue
        remote = [_remote(f"/inputs/{channel}/files/{n}", _object(f), faults) for n, f in enumerate(files)]
        parsed[channel] = [file for file in remote if file is not None]
        if len({file.path for file in parsed[channel]}) < len(parsed[channel]):
            faults.append(f"/inputs/{channel}/files names a path twice")
    return parsed


def _remote(place: str, body: dict[str, Any], faults: list[str]) -> RemoteFile | None:
    before = len(faults)
    path, uri, sha256, size = (body.get(name) for name in ("path", "uri", "sha256", "bytes"))
    if (fault := path_fault(path)) is not None:
        faults.append(f"{place}/path {fault}, found {quoted(path)}")
    if not _uri(uri):
        faults.append(f"{place}/uri must be an s3:// or file:// address, found {quoted(uri)}")
    if not (isinstance(sha256, str) and _KEY.fullmatch(sha256)):
        faults.append(f"{place}/sha256 must be 64 lower-case hex digits, found {quoted(sha256)}")
    if not (isinstance(size, int) and not isinstance(size, bool) and size >= 0):
        faults.append(f"{place}/bytes must be a whole number of at least 0, found {quoted(size)}")
    return None if len(faults) > before else RemoteFile(path, uri, sha256, size)  # type: ignore[arg-type]


def _uri(value: object) -> bool:
    return isinstance(value, str) and bool(_URI.fullmatch(value)) and "/../" not in value


def _refuse_reserved(field: str, refused: list[str]) -> None:
    if refused:
        listed = ", ".join(f"{quoted(name)} ({forbidden_reason(name) or 'set twice'})" for name in refused)
        raise JobFailure("E_ENV_FORBIDDEN", f"/{field} may not set {listed}; remove it from the stage's {field}")
