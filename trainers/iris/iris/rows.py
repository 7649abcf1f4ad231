"""Reads measured flowers from a channel."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator
from pathlib import Path

FEATURES = ("sepal_length", "sepal_width", "petal_length", "petal_width")


def read_rows(folder: Path) -> tuple[list[list[float]], list[str]]:
    """Measurements in centimetres, and species, from every ``*.csv`` and ``*.jsonl`` below ``folder``.

    Exits with a message that names file and row of a bad one.
    """
    features: list[list[float]] = []
    species: list[str] = []
    for place, row in _documents(folder):
        try:
            values = [float(row[name]) for name in FEATURES]
            if not all(map(math.isfinite, values)):
                raise ValueError("a measurement is not finite")
            species.append(str(row["species"]))
            features.append(values)
        except (KeyError, TypeError, ValueError) as fault:
            raise SystemExit(f"{place}: not a row with {', '.join(FEATURES)} and species: {fault}") from fault
    if not features:
        raise SystemExit(f"no rows: {folder} holds no *.csv or *.jsonl with content")
    return features, species


def _documents(folder: Path) -> Iterator[tuple[str, dict[str, str]]]:
    for file in sorted(folder.rglob("*.csv")):
        with file.open(encoding="utf-8", newline="") as source:
            for number, row in enumerate(csv.DictReader(source), 1):
                yield f"{file.name} row {number}", row
    for file in sorted(folder.rglob("*.jsonl")):
        for number, line in enumerate(file.read_text("utf-8").splitlines(), 1):
            try:
                yield f"{file.name} row {number}", json.loads(line)
            except ValueError as fault:
                raise SystemExit(f"{file.name} row {number}: not JSON: {fault}") from fault
