"""Reads labelled sentences from a channel, and chooses a stable part of them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Sentence:
    text: str
    intent: str
    template: str


def read_rows(folder: Path) -> list[Sentence]:
    """Every row of every ``*.jsonl`` below ``folder``; exits with a message that names file and line of a bad one."""
    rows: list[Sentence] = []
    for file in sorted(folder.rglob("*.jsonl")):
        for number, line in enumerate(file.read_text("utf-8").splitlines(), 1):
            try:
                body = json.loads(line)
                rows.append(Sentence(*(_text(body, name) for name in ("text", "intent", "template"))))
            except (ValueError, TypeError, KeyError) as fault:
                raise SystemExit(f"{file.name}:{number}: not a row with text, intent and template: {fault}") from fault
    if not rows:
        raise SystemExit(f"no rows: {folder} holds no *.jsonl with content")
    return rows


def take_share(rows: list[Sentence], share: float) -> list[Sentence]:
    """The rows of ``share`` (0 to 1) of the templates; a larger share holds all of a smaller one."""
    return [row for row in rows if _position(row.template) < share]


def _text(body: dict[str, object], name: str) -> str:
    value = body[name]
    if not isinstance(value, str):
        raise TypeError(f"{name} must be text")
    return value


def _position(template: str) -> float:
    return int.from_bytes(hashlib.sha256(f"share {template}".encode()).digest()[:8]) / 2**64
