"""``python -m intents.evaluate``: scores the model of channel ``model`` on the rows of channel ``data``.

Writes accuracy, macroF1, fallbackRate, meanConfidence, and recall and support per intent to ``metrics.json``.
"""

from __future__ import annotations

import os

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ[_name] = "1"

import sys  # noqa: E402
from typing import Any  # noqa: E402

import numpy as np  # noqa: E402
from sklearn.metrics import accuracy_score, f1_score, recall_score  # noqa: E402

from .model_file import channel, load_model, write_metrics  # noqa: E402
from .rows import Sentence, read_rows  # noqa: E402
from .tracking import log_to_mlflow  # noqa: E402


def score(model: Any, fallback_below: float, rows: list[Sentence]) -> dict[str, Any]:
    """Metrics of ``model`` on ``rows``; means are over the intents that occur in ``rows``."""
    truth = [row.intent for row in rows]
    probabilities = model.predict_proba([row.text for row in rows])
    predicted = model.classes_[probabilities.argmax(axis=1)]
    confidence = probabilities.max(axis=1)
    intents = sorted(set(truth))
    recall = recall_score(truth, predicted, labels=intents, average=None, zero_division=0)
    return {
        "accuracy": float(accuracy_score(truth, predicted)),
        "macroF1": float(f1_score(truth, predicted, labels=intents, average="macro", zero_division=0)),
        "fallbackRate": float(np.mean(confidence < fallback_below)),
        "meanConfidence": float(np.mean(confidence)),
        "recall": {intent: float(value) for intent, value in zip(intents, recall, strict=True)},
        "support": {intent: truth.count(intent) for intent in intents},
    }


def main() -> int:
    model, description = load_model(channel("model"))
    metrics = score(model, description["fallbackBelow"], read_rows(channel("data")))
    write_metrics(metrics)
    log_to_mlflow({}, {name: value for name, value in metrics.items() if not isinstance(value, dict)}, None)
    print(f"macro F1 {metrics['macroF1']:.3f}, accuracy {metrics['accuracy']:.3f}, fallback rate {metrics['fallbackRate']:.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
