from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any

from intents.dataset import build_rows
from intents.rows import read_rows, take_share

PACKAGE = Path(__file__).parent.parent
KEPT = {"lock_door", "unlock_door", "turn_on", "turn_off"}


class Training(unittest.TestCase):
    """Runs the modules as a job does, on four intents."""

    @classmethod
    def setUpClass(cls) -> None:
        holder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(holder.cleanup)
        cls.base = Path(holder.name)
        (cls.base / "train").mkdir()
        rows = [row for row in build_rows("filled", 7) if row["intent"] in KEPT]
        (cls.base / "train/train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        cls.train("first", "--epochs", "30")

    @classmethod
    def run_module(cls, module: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", module, *arguments],
            cwd=PACKAGE,
            env={"PATH": os.environ["PATH"], **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    @classmethod
    def train(cls, name: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        (cls.base / name / "data").mkdir(parents=True, exist_ok=True)
        folders = {"SM_CHANNEL_TRAIN": str(cls.base / "train"), "SM_MODEL_DIR": str(cls.base / name), "SM_OUTPUT_DATA_DIR": str(cls.base / name / "data")}
        return cls.run_module("intents.train", *arguments, **{**folders, **environment})

    def digest(self, name: str) -> str:
        return hashlib.sha256((self.base / name / "model.skops").read_bytes()).hexdigest()

    def document(self, path: str) -> dict[str, Any]:
        return json.loads((self.base / path).read_text())

    def test_the_same_inputs_give_the_same_bytes_whatever_the_hash_seed(self) -> None:
        self.train("second", "--epochs", "30", PYTHONHASHSEED="5")
        self.train("third", "--epochs", "5")
        self.assertEqual(self.digest("first"), self.digest("second"))
        self.assertNotEqual(self.digest("first"), self.digest("third"))

    def test_the_description_names_labels_limit_and_trusted_types(self) -> None:
        description = self.document("first/model.json")
        self.assertEqual(description["labels"], sorted(KEPT))
        self.assertEqual((description["kind"], description["fallbackBelow"], description["skops"]), ("text-classifier", 0.35, {"trusted": []}))

    def test_an_evaluation_tells_recall_and_support_of_each_intent(self) -> None:
        (self.base / "scores").mkdir()
        ended = self.run_module(
            "intents.evaluate",
            SM_CHANNEL_MODEL=str(self.base / "first"),
            SM_CHANNEL_DATA=str(self.base / "train"),
            SM_OUTPUT_DATA_DIR=str(self.base / "scores"),
        )
        self.assertEqual(ended.returncode, 0, ended.stderr)
        scores = self.document("scores/metrics.json")
        self.assertEqual(sorted(scores), ["accuracy", "fallbackRate", "macroF1", "meanConfidence", "recall", "support"])
        self.assertGreater(scores["macroF1"], 0.95)
        self.assertEqual(sorted(scores["support"]), sorted(KEPT))
        self.assertEqual(sum(scores["support"].values()), len(read_rows(self.base / "train")))

    def test_a_larger_share_holds_all_of_a_smaller_one(self) -> None:
        rows = read_rows(self.base / "train")
        some, more = take_share(rows, 0.3), take_share(rows, 0.6)
        self.assertTrue(0 < len(some) < len(more) < len(rows))
        self.assertLessEqual(set(some), set(more))
        self.assertEqual(take_share(rows, 1), rows)

    def test_training_goes_on_when_the_tracking_server_is_gone(self) -> None:
        ended = self.train("lonely", "--epochs", "30", MLFLOW_TRACKING_URI="http://127.0.0.1:9", MLFLOW_RUN_ID="r", MLFLOW_HTTP_REQUEST_MAX_RETRIES="0")
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertIn("MLflow has no record", ended.stderr)
        self.assertEqual(self.digest("lonely"), self.digest("first"))

    def test_wrong_hyperparameters_and_rows_are_told(self) -> None:
        self.assertIn("--share above 0", self.train("bad", "--share", "0").stderr)
        (self.base / "broken").mkdir()
        (self.base / "broken/x.jsonl").write_text('{"text": "a", "intent": "b", "template": "c"}\n{"text": 1}\n')
        ended = self.train("bad", SM_CHANNEL_TRAIN=str(self.base / "broken"))
        self.assertNotEqual(ended.returncode, 0)
        self.assertIn("x.jsonl:2", ended.stderr)
