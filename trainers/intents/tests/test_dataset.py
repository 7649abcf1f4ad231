from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import unittest
from collections import Counter
from pathlib import Path

from intents.dataset import FEWEST_TEMPLATES, UnknownSource, build_rows, parse_source
from intents.sentences import label
from intents.traffic import build_traffic


class Source(unittest.TestCase):
    def test_settings_may_be_carried_by_the_source(self) -> None:
        self.assertEqual(parse_source("home-assistant-intents?slots=masked"), {"source": "home-assistant-intents", "slots": "masked"})

    def test_unknown_names_list_the_known_ones(self) -> None:
        for text, known in (("home-asistant-intents", "did you mean home-assistant-intents?"), ("home-assistant-intents?slot=masked", "did you mean slots?"), ("home-assistant-intents?slots=x", "known are: filled, masked")):
            with self.subTest(text), self.assertRaisesRegex(UnknownSource, known.replace("?", r"\?")):
                parse_source(text)

    def test_an_unknown_source_ends_the_command_with_65(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            ended = subprocess.run(
                [sys.executable, "-m", "intents.dataset", "--from", "elsewhere\x1b"],
                cwd=Path(__file__).parent.parent,
                env={"PATH": os.environ["PATH"], "SM_OUTPUT_DATA_DIR": folder},
                capture_output=True,
                text=True,
                check=False,
            )
            self.assertEqual((ended.returncode, os.listdir(folder)), (65, []))
            self.assertIn("E_DATA_SOURCE", ended.stderr)
            self.assertNotIn("\x1b", ended.stderr)


class Rows(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.filled = build_rows("filled", 7)
        cls.masked = build_rows("masked", 7)

    def test_the_same_seed_gives_the_same_rows_and_another_gives_others(self) -> None:
        self.assertEqual(self.filled, build_rows("filled", 7))
        self.assertNotEqual(self.filled, build_rows("filled", 8))

    def test_rows_are_sorted_and_no_sentence_occurs_twice(self) -> None:
        for rows in (self.filled, self.masked):
            self.assertEqual(rows, sorted(rows, key=lambda row: (row["intent"], row["template"], row["text"])))
            self.assertEqual(max(Counter(row["text"] for row in rows).values()), 1)

    def test_masked_sentences_hold_slot_names_and_filled_ones_values(self) -> None:
        texts = {row["template"]: row["text"] for row in self.masked}
        with_slots = [text for template, text in texts.items() if "{" in template]
        self.assertGreater(len(with_slots), 1000)
        self.assertTrue(all("<" in text for text in with_slots))
        self.assertFalse([row for row in self.filled if "<" in row["text"] or "{" in row["text"]])

    def test_every_intent_has_templates_enough_to_be_split(self) -> None:
        templates: dict[str, set[str]] = {}
        for row in self.filled:
            templates.setdefault(row["intent"], set()).add(row["template"])
        self.assertGreater(len(templates), 40)
        self.assertGreaterEqual(min(map(len, templates.values())), FEWEST_TEMPLATES - 2)
        self.assertLessEqual({"lock_door", "unlock_door", "cancel_all_timers"}, set(templates))

    def test_locks_and_covers_are_intents_of_their_own(self) -> None:
        self.assertEqual(label("HassTurnOff", ["lock"]), "unlock_door")
        self.assertEqual(label("HassTurnOn", ["valve"]), "open_cover")
        self.assertEqual(label("HassTurnOn", ["light", "lock"]), "turn_on")
        self.assertEqual(label("HassClimateGetTemperature", ["climate"]), "climate_get_temperature")


class Traffic(unittest.TestCase):
    def test_users_say_values_never_slot_names(self) -> None:
        texts = build_traffic(500, 11)
        self.assertEqual(texts, build_traffic(500, 11))
        self.assertEqual(len(texts), 500)
        self.assertFalse([text for text in texts if "<" in text or "{" in text or json.dumps(text) == '""'])
