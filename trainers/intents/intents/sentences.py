"""Sentence templates of Home Assistant: reads them, chooses among their alternatives, fills their slots.

A *template* is one way to say something with its word choices (``<turn>``) and slots (``{area}``) still open.
Sentences of one template differ in these only, so data are split by template.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from .slots import AREAS, DOMAIN_ALIASES, FLOORS, NAMES_BY_DOMAIN, WILDCARDS

Fill = Callable[[str, str, list[str], random.Random], str]
"""Text for a slot: (list name, slot name, domains of the device, randomness)."""

COURTESIES = [("", "")] * 6 + [
    ("please ", ""), ("", " please"), ("can you ", ""), ("could you ", ""), ("could you ", " for me"), ("would you please ", ""), ("i'd like to ", ""), ("hey ", ""),
]  # fmt: skip
"""What people put around a command; six of fourteen say it plainly."""


@dataclass(frozen=True)
class Source:
    """One sentence as Home Assistant writes it: ``[<turn>] [<the>] {area} fan[s] on``."""

    intent: str
    expression: Any
    domains: list[str]


@dataclass(frozen=True)
class Template:
    intent: str
    text: str
    parts: tuple[Any, ...]
    domains: list[str]


class Sentences:
    """The English sentences of the installed ``home-assistant-intents``."""

    @cached_property
    def _intents(self) -> Any:
        import home_assistant_intents
        from hassil.intents import Intents

        file = Path(home_assistant_intents.__file__).parent / "data" / "en.json"
        return Intents.from_dict(json.loads(file.read_text("utf-8")))

    def sources(self) -> Iterator[Source]:
        """Every sentence, in the order of the package."""
        for name, intent in self._intents.intents.items():
            for block in intent.data:
                domains = _domains(block)
                for sentence in block.sentences:
                    yield Source(label(name, domains), sentence.expression, domains)

    def template(self, source: Source, rng: random.Random) -> Template:
        """One template of ``source``: optional words and alternatives of the sentence itself are decided."""
        from hassil.expression import TextChunk

        before, after = rng.choice(COURTESIES)
        parts = (TextChunk(before), *_decide(source.expression, rng), TextChunk(after))
        return Template(source.intent, _tidy("".join(_open_text(part) for part in parts)), parts, source.domains)

    def say(self, template: Template, fill: Fill, rng: random.Random) -> str:
        """One sentence of ``template``: word choices decided, slots filled by ``fill``."""
        return _tidy("".join(self._spoken(part, template, fill, rng) for part in template.parts))

    def _spoken(self, part: Any, template: Template, fill: Fill, rng: random.Random) -> str:
        from hassil.expression import ListReference, RuleReference, TextChunk

        if isinstance(part, TextChunk):
            return part.original_text
        if isinstance(part, RuleReference):
            body = self._intents.expansion_rules[part.rule_name].expression
            return "".join(self._spoken(inner, template, fill, rng) for inner in _decide(body, rng))
        assert isinstance(part, ListReference)
        return fill(part.list_name, part.slot_name, template.domains, rng)

    def value(self, list_name: str, _slot: str, domains: list[str], rng: random.Random) -> str:
        """A value that a person would say for a slot."""
        from hassil.intents import RangeSlotList, TextSlotList

        if list_name == "area":
            return rng.choice(AREAS)
        if list_name == "floor":
            return rng.choice(FLOORS)
        if list_name == "name":
            return rng.choice(NAMES_BY_DOMAIN[rng.choice(domains)] if domains else NAMES_BY_DOMAIN["sensor"])
        if list_name in WILDCARDS:
            return rng.choice(WILDCARDS[list_name])
        values = self._intents.slot_lists[list_name]
        if isinstance(values, RangeSlotList):
            return str(rng.randrange(values.start, values.stop + 1, values.step))
        assert isinstance(values, TextSlotList)
        chosen = rng.choice(values.values).text_in
        return "".join(part.original_text for part in _decide(chosen, rng))


def masked(_list_name: str, slot: str, _domains: list[str], _rng: random.Random) -> str:
    """The slot's name in place of a value, as an annotation export writes it."""
    return f"<{slot}>"


def label(intent: str, domains: list[str]) -> str:
    """``HassTurnOn`` becomes ``turn_on``; locks and covers, which Home Assistant turns on and off too, get names of their own."""
    if intent in ("HassTurnOn", "HassTurnOff") and domains:
        on = intent == "HassTurnOn"
        if domains == ["lock"]:
            return "lock_door" if on else "unlock_door"
        if set(domains) <= {"cover", "valve"}:
            return "open_cover" if on else "close_cover"
    return re.sub(r"(?<!^)(?=[A-Z])", "_", intent.removeprefix("Hass")).lower()


def _domains(block: Any) -> list[str]:
    named = (block.slots or {}).get("domain") or (block.requires_context or {}).get("domain") or []
    listed = named if isinstance(named, list) else [named.get("value") if isinstance(named, dict) else named]
    return [known for name in listed if (known := DOMAIN_ALIASES.get(name, name)) in NAMES_BY_DOMAIN]


def _decide(expression: Any, rng: random.Random) -> Iterator[Any]:
    """Leaves of ``expression`` with one choice made at every alternative; word choices and slots stay open."""
    from hassil.expression import Alternative, Permutation, Sequence, TextChunk

    if isinstance(expression, Alternative):
        yield from _decide(rng.choice(expression.items), rng)
    elif isinstance(expression, Permutation):
        for item in rng.sample(expression.items, len(expression.items)):
            yield from _decide(item, rng)
            yield TextChunk(" ")
    elif isinstance(expression, Sequence):
        for item in expression.items:
            yield from _decide(item, rng)
    else:
        yield expression


def _open_text(part: Any) -> str:
    from hassil.expression import RuleReference, TextChunk

    if isinstance(part, TextChunk):
        return part.original_text
    return f"<{part.rule_name}>" if isinstance(part, RuleReference) else f"{{{part.slot_name}}}"


def _tidy(text: str) -> str:
    return " ".join(text.split()).lower()
