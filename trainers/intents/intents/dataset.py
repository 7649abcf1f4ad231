"""``python -m intents.dataset --from home-assistant-intents [--slots filled|masked] [--seed 7]``

Writes ``data.jsonl`` to SM_OUTPUT_DATA_DIR: one ``{"intent", "template", "text"}`` a line, sorted, the same for the
same source and seed. With ``masked`` each slot value is replaced by its slot's name, as a labelling tool exports it.
``--from`` may say so too: ``home-assistant-intents?slots=masked``. An unknown source ends with exit code 65.
"""

from __future__ import annotations

import argparse
import difflib
import json
import os
import random
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl

from .sentences import Fill, Sentences, Source, Template, masked

SOURCES = ("home-assistant-intents",)
SLOTS = ("filled", "masked")
TEMPLATES_PER_INTENT = 48
SENTENCES_PER_TEMPLATE = 3
FEWEST_TEMPLATES = 8
Row = dict[str, str]


class UnknownSource(Exception):
    """``--from`` names something that is not there."""


def parse_source(text: str) -> dict[str, str]:
    """Splits ``name?slots=masked`` into {"source", "slots"?}; UnknownSource names what is known."""
    name, _, query = text.partition("?")
    if name not in SOURCES:
        raise UnknownSource(f"data source {ascii(name)[:120]} is unknown; known are: {', '.join(SOURCES)}{_meant(name, SOURCES)}")
    settings = dict(parse_qsl(query, keep_blank_values=True))
    for key, value in settings.items():
        if key != "slots":
            raise UnknownSource(f"setting {ascii(key)[:120]} of {name} is unknown; known are: slots{_meant(key, ['slots'])}")
        if value not in SLOTS:
            raise UnknownSource(f"slots={ascii(value)[:120]} is unknown; known are: {', '.join(SLOTS)}{_meant(value, SLOTS)}")
    return {"source": name, **settings}


def build_rows(slots: str, seed: int) -> list[Row]:
    """The data set, sorted by intent, template and text.

    A text that two intents share is left out. One that two templates of an intent share is kept under the first,
    or a split by template would put it on both sides.
    """
    sentences = Sentences()
    fill: Fill = masked if slots == "masked" else sentences.value
    rows: set[tuple[str, str, str]] = set()
    for template in choose_templates(sentences, seed):
        rng = random.Random(f"{seed} {template.text}")
        rows.update((template.intent, template.text, sentences.say(template, fill, rng)) for _ in range(SENTENCES_PER_TEMPLATE))
    owners: dict[str, set[str]] = defaultdict(set)
    first_template: dict[str, str] = {}
    for intent, template_text, text in sorted(rows):
        owners[text].add(intent)
        first_template.setdefault(text, template_text)
    return [{"intent": i, "template": t, "text": x} for i, t, x in sorted(rows) if len(owners[x]) == 1 and first_template[x] == t]


def choose_templates(sentences: Sentences, seed: int) -> Iterator[Template]:
    """At most 48 templates of each intent, taken evenly from its sentences.

    A template that two intents share says nothing and is left out; so are intents with fewer than eight.
    """
    sources: dict[str, list[Source]] = defaultdict(list)
    for source in sentences.sources():
        sources[source.intent].append(source)
    chosen = {intent: _distinct(sentences, listed, random.Random(f"{seed} {intent}")) for intent, listed in sorted(sources.items())}
    owners: dict[str, set[str]] = defaultdict(set)
    for intent, templates in chosen.items():
        for text in templates:
            owners[text].add(intent)
    for templates in chosen.values():
        own = [template for text, template in templates.items() if len(owners[text]) == 1]
        if len(own) >= FEWEST_TEMPLATES:
            yield from own


def _distinct(sentences: Sentences, sources: list[Source], rng: random.Random) -> dict[str, Template]:
    found: dict[str, Template] = {}
    for _ in range(12):
        for source in rng.sample(sources, len(sources)):
            template = sentences.template(source, rng)
            found[template.text] = template
            if len(found) == TEMPLATES_PER_INTENT:
                return found
    return found


def _meant(found: str, known: tuple[str, ...] | list[str]) -> str:
    close = difflib.get_close_matches(found, known, n=1)
    return f"; did you mean {close[0]}?" if close else ""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m intents.dataset", allow_abbrev=False)
    parser.add_argument("--from", dest="source", required=True)
    parser.add_argument("--slots", choices=SLOTS)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    try:
        wanted = parse_source(options.source)
    except UnknownSource as fault:
        print(f"E_DATA_SOURCE: {fault}", file=sys.stderr)
        return 65
    rows = build_rows(options.slots or wanted.get("slots", "filled"), options.seed)
    target = Path(os.environ.get("SM_OUTPUT_DATA_DIR", ".")) / "data.jsonl"
    target.write_text("".join(json.dumps(row, sort_keys=True) + "\n" for row in rows), "utf-8")
    print(f"{len(rows)} sentences of {len({row['intent'] for row in rows})} intents from {len({row['template'] for row in rows})} templates in {target}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
