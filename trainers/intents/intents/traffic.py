"""``python -m intents.traffic [--count 2000] [--seed 11] [--output FILE]``

Writes ``traffic.jsonl``: one ``{"text"}`` a line of what users say, slots filled, in the mix of a household.
One name or room in ten is one that no data set has. The default place is SM_OUTPUT_DATA_DIR, else this folder.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
from pathlib import Path

from .dataset import choose_templates
from .sentences import Sentences
from .slots import UNSEEN_AREAS, UNSEEN_NAMES

WEIGHTS = {
    "turn_on": 11, "turn_off": 11, "start_timer": 8, "media_search_and_play": 8, "get_state": 7, "set_volume_relative": 6, "get_weather": 6,
    "light_set": 5, "shopping_list_add_item": 4, "climate_set_temperature": 4, "list_add_item": 3, "climate_get_temperature": 3,
    "open_cover": 3, "close_cover": 3, "media_pause": 3, "lock_door": 2, "unlock_door": 2, "broadcast": 2, "set_volume": 2,
    "get_current_time": 2, "list_complete_item": 2,
}  # fmt: skip
"""Music, timers, lists, lights and the weather are what people mostly ask for; every other intent counts 1."""
UNSEEN_SHARE = 0.1
TRAFFIC_TEMPLATES_SEED = 10_007


def build_traffic(count: int, seed: int) -> list[str]:
    """``count`` sentences; templates are drawn with a seed of their own, so most are not those of the data set."""
    sentences = Sentences()
    by_intent: dict[str, list] = {}
    for template in choose_templates(sentences, TRAFFIC_TEMPLATES_SEED):
        by_intent.setdefault(template.intent, []).append(template)
    intents = sorted(by_intent)
    rng = random.Random(seed)

    def fill(list_name: str, slot: str, domains: list[str], draw: random.Random) -> str:
        unseen = {"area": UNSEEN_AREAS, "name": UNSEEN_NAMES}.get(list_name)
        return draw.choice(unseen) if unseen and draw.random() < UNSEEN_SHARE else sentences.value(list_name, slot, domains, draw)

    chosen = rng.choices(intents, [WEIGHTS.get(intent, 1) for intent in intents], k=count)
    return [sentences.say(rng.choice(by_intent[intent]), fill, rng) for intent in chosen]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m intents.traffic", allow_abbrev=False)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--output", type=Path, default=Path(os.environ.get("SM_OUTPUT_DATA_DIR", ".")) / "traffic.jsonl")
    options = parser.parse_args()
    lines = [json.dumps({"text": text}) + "\n" for text in build_traffic(options.count, options.seed)]
    options.output.write_text("".join(lines), "utf-8")
    print(f"{len(lines)} sentences in {options.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
