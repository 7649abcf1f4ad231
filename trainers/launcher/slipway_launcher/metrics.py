"""Reads ``metrics.json``: finite numbers, or objects of finite numbers one level down, and nothing else."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any, NoReturn

from .failures import JobFailure, quoted
from .paths import open_regular

SIZE_LIMIT = 1_000_000
NAME_LIMIT = 200
VALUE_LIMIT = 5_000
Metrics = dict[str, float | dict[str, float]]
# What MLflow takes at most; the same rule as ``plan/metric-names.ts``.
_NAME_CHARACTERS = 250
_PLACE = "output/data/metrics.json"


def read_metrics(file: Path) -> Metrics:
    """The metrics in ``file``.

    E_TRAINER_CONTRACT when it is no JSON object of at most 1 MB, E_METRIC_INVALID for anything that is
    not a finite number, E_ID for a name that is empty, too long, or no name to JavaScript.
    """
    with os.fdopen(open_regular(file), "rb") as source:
        raw = source.read(SIZE_LIMIT + 1)
    if len(raw) > SIZE_LIMIT:
        raise JobFailure("E_TRAINER_CONTRACT", f"{_PLACE} has more than {SIZE_LIMIT} bytes; write numbers only")
    try:
        document = json.loads(raw.decode("utf-8"), parse_constant=_no_constant, object_pairs_hook=_no_repeats)
    except JobFailure:
        raise
    except (ValueError, RecursionError) as fault:
        raise JobFailure("E_TRAINER_CONTRACT", f"{_PLACE} is not JSON: {fault}; write one object of numbers") from fault
    if not isinstance(document, dict):
        raise JobFailure("E_TRAINER_CONTRACT", f"{_PLACE} must be a JSON object, found {quoted(document)}")
    _check(document)
    return document


def _check(document: dict[str, Any]) -> None:
    nested = [(f"/{name}", value) for name, value in document.items() if isinstance(value, dict)]
    if len(document) > NAME_LIMIT or sum(len(value) for _, value in nested) > VALUE_LIMIT:
        raise JobFailure("E_METRIC_INVALID", f"{_PLACE} has more than {NAME_LIMIT} metrics or {VALUE_LIMIT} values")
    faults: list[str] = []
    for place, group in [("", document), *nested]:
        for name, value in group.items():
            if (fault := _name_fault(name, member=place != "")) is not None:
                raise JobFailure("E_ID", f"{_PLACE}: {quoted(name)} may not name a metric: {fault}")
            if not _finite(value) and not (place == "" and isinstance(value, dict)):
                faults.append(f"{place}/{name} must be a finite number, found {quoted(value)}")
    if faults:
        listed = "\n".join(f"- {fault}" for fault in faults[:20])
        raise JobFailure("E_METRIC_INVALID", f"{_PLACE} holds values that cannot be compared:\n{listed}")


def _name_fault(name: str, member: bool) -> str | None:
    """Names are those of people: any text. A member of a group may be empty, as the label of a class may be."""
    if name == "" and not member:
        return "it is empty; give it a name"
    if name == "__proto__":
        return "JavaScript gives this name a meaning of its own; choose another"
    return None if len(name) <= _NAME_CHARACTERS else f"it has {len(name)} characters; at most {_NAME_CHARACTERS} are taken"


def _finite(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    try:
        return math.isfinite(float(value))
    except OverflowError:
        return False


def _no_constant(name: str) -> NoReturn:
    raise JobFailure("E_METRIC_INVALID", f"{_PLACE} holds {name}; every metric must be a finite number")


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) < len(pairs):
        raise JobFailure("E_METRIC_INVALID", f"{_PLACE} names a metric twice")
    return names
