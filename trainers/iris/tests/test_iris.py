from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from iris.rows import FEATURES, read_rows

PACKAGE = Path(__file__).parent.parent


class Iris(unittest.TestCase):
    def setUp(self) -> None:
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.base = Path(holder.name)
        rows = list(csv.DictReader((PACKAGE / "data/iris.csv").read_text().splitlines()))
        for name, part in (("train", [r for n, r in enumerate(rows) if n % 4]), ("data", rows[::4])):
            (self.base / name).mkdir()
            with (self.base / name / "rows.csv").open("w") as sink:
                writer = csv.DictWriter(sink, [*FEATURES, "species"])
                writer.writeheader()
                writer.writerows(part)

    def run_module(self, module: str) -> dict[str, object]:
        folders = {f"SM_{name}": str(self.base / folder) for name, folder in (
            ("CHANNEL_TRAIN", "train"), ("CHANNEL_DATA", "data"), ("CHANNEL_MODEL", "model"), ("MODEL_DIR", "model"), ("OUTPUT_DATA_DIR", ""),
        )}  # fmt: skip
        subprocess.run([sys.executable, "-m", module], cwd=PACKAGE, env={"PATH": os.environ["PATH"], **folders}, check=True, stdout=subprocess.DEVNULL)
        return json.loads((self.base / "metrics.json").read_text())

    def test_a_model_is_trained_and_tells_species_apart(self) -> None:
        self.assertEqual(self.run_module("iris.train")["rows"], 112)
        first = (self.base / "model/model.skops").read_bytes()
        scores = self.run_module("iris.evaluate")
        self.assertGreater(scores["accuracy"], 0.9)
        self.assertEqual(sorted(scores["recall"]), ["setosa", "versicolor", "virginica"])
        self.run_module("iris.train")
        self.assertEqual(first, (self.base / "model/model.skops").read_bytes())

    def test_rows_are_read_from_json_lines_too(self) -> None:
        (self.base / "lines").mkdir()
        (self.base / "lines/a.jsonl").write_text(json.dumps({**dict.fromkeys(FEATURES, 1.5), "species": "setosa"}) + "\n")
        self.assertEqual(read_rows(self.base / "lines"), ([[1.5] * 4], ["setosa"]))

    def test_a_bad_measurement_is_told_with_its_row(self) -> None:
        (self.base / "lines").mkdir()
        for value in ("NaN", "wide", ""):
            with self.subTest(value), self.assertRaisesRegex(SystemExit, "a.csv row 1"):
                (self.base / "lines/a.csv").write_text(",".join([*FEATURES, "species"]) + f"\n1,2,3,{value},setosa\n")
                read_rows(self.base / "lines")

    def test_both_trainers_write_models_and_track_runs_alike(self) -> None:
        for name in ("model_file.py", "tracking.py"):
            self.assertEqual((PACKAGE / "iris" / name).read_bytes(), (PACKAGE.parent / "intents/intents" / name).read_bytes(), name)
