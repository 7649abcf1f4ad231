from __future__ import annotations

import json
import tempfile
import unittest
from pathlib import Path

from slipway_launcher.failures import JobFailure
from slipway_launcher.metrics import read_metrics

CONTRACT = {
    "empty": b"",
    "no JSON": b"{",
    "an array": b"[1]",
    "no UTF-8": b'{"a": 1, "\xff": 2}',
    "deep": b"[" * 100_000,
    "10,000 deep": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "2 MB": b'{"a": 1}' + b" " * 2_000_000,
}
INVALID = {
    "NaN": b'{"a": NaN}',
    "Infinity": b'{"a": -Infinity}',
    "a text": b'{"a": "0.93"}',
    "the text nan": b'{"a": "nan"}',
    "what Python writes for not a number": json.dumps({"a": float("nan")}).encode(),
    "a number beyond its bounds nested": b'{"recall": {"a": -1e999}}',
    "5,000 names": ("{" + ",".join(f'"m{n}": 1' for n in range(5_000)) + "}").encode(),
    "true": b'{"a": true}',
    "null": b'{"a": null}',
    "a list": b'{"a": [1]}',
    "two levels": b'{"a": {"b": {"c": 1}}}',
    "a nested text": b'{"a": {"b": "1"}}',
    "1e999": b'{"a": 1e999}',
    "a huge whole number": b'{"a": 1' + b"0" * 400 + b"}",
    "a name twice": b'{"a": 1, "a": 2}',
    "300 names": ("{" + ",".join(f'"m{n}": 1' for n in range(300)) + "}").encode(),
}
NAMES = {"empty": b'{"": 1}', "10 kB": b'{"' + b"x" * 10_000 + b'": 1}', "__proto__": b'{"__proto__": 1}', "nested": b'{"a": {"__proto__": 1}}'}
# What people, scikit-learn, Keras, Lightning and MLflow write.
PEOPLE = ("val/accuracy", "mAP@0.5:0.95", "C++", "größe", "-1", "don't know", "Top-5 (%)", "猫", "a/../b", "constructor", "tab\there", "x" * 250)


class Metrics(unittest.TestCase):
    def setUp(self) -> None:
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.file = Path(holder.name) / "metrics.json"

    def read(self, raw: bytes) -> object:
        self.file.write_bytes(raw)
        return read_metrics(self.file)

    def test_numbers_and_one_level_of_named_numbers_are_read(self) -> None:
        self.assertEqual(self.read(b'{"macroF1": 0.9, "n": 3, "recall": {"lock_door": 1}}'), {"macroF1": 0.9, "n": 3, "recall": {"lock_door": 1}})

    def test_names_of_metrics_and_classes_are_those_of_people(self) -> None:
        document = {**{name: 1.0 for name in PEOPLE}, "recall": {name: 0.5 for name in (*PEOPLE, "")}}
        self.assertEqual(self.read(json.dumps(document).encode()), document)

    def test_everything_else_is_refused_with_its_code(self) -> None:
        for code, cases in (("E_TRAINER_CONTRACT", CONTRACT), ("E_METRIC_INVALID", INVALID), ("E_ID", NAMES)):
            for name, raw in cases.items():
                with self.subTest(name), self.assertRaises(JobFailure) as caught:
                    self.read(raw)
                self.assertEqual(caught.exception.code, code, name)

    def test_all_wrong_values_are_listed(self) -> None:
        with self.assertRaises(JobFailure) as caught:
            self.read(b'{"a": "x", "b": 1, "recall": {"c": null}}')
        self.assertIn("/a must be", caught.exception.message)
        self.assertIn("/recall/c must be", caught.exception.message)

    def test_a_link_is_not_followed(self) -> None:
        self.file.symlink_to("/etc/hostname")
        with self.assertRaises(JobFailure) as caught:
            read_metrics(self.file)
        self.assertEqual(caught.exception.code, "E_FILE_KIND")
